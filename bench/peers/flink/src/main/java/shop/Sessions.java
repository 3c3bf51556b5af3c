package shop;

import java.util.ArrayList;
import java.util.HashSet;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Sessions with a gap, by a state and one timer per key: Flink's own session windows make a window of every event and merge
 * them.
 */
public class Sessions extends KeyedProcessFunction<String, Sessions.Step, Digest.Row> {
    static final long GAP = 30 * 60_000L;

    /** What a session needs of an event. */
    public static class Step {
        public String sessionId;
        public String userId;
        public String eventType;
        public String page;
        public long timestamp;

        public Step() {}

        Step(Event event) {
            sessionId = event.sessionId;
            userId = event.userId;
            eventType = event.eventType;
            page = event.page;
            timestamp = event.timestamp;
        }
    }

    /** A session that is open. */
    public static class Session {
        long start;
        long end;
        String user;
        long userAt = Long.MIN_VALUE;
        long views;
        long clicks;
        final HashSet<String> pages = new HashSet<>(4);
        boolean hasConversion;

        void add(Step step) {
            start = Math.min(start, step.timestamp);
            end = Math.max(end, step.timestamp);
            if (step.userId != null && step.timestamp > userAt) {
                user = step.userId;
                userAt = step.timestamp;
            }
            switch (step.eventType) {
                case "page_view" -> {
                    views++;
                    if (step.page != null) {
                        pages.add(step.page);
                    }
                }
                case "click" -> clicks++;
                case "purchase" -> hasConversion = true;
                default -> {}
            }
        }

        void add(Session other) {
            start = Math.min(start, other.start);
            end = Math.max(end, other.end);
            if (other.userAt > userAt) {
                user = other.user;
                userAt = other.userAt;
            }
            views += other.views;
            clicks += other.clicks;
            pages.addAll(other.pages);
            hasConversion |= other.hasConversion;
        }
    }

    /** The open sessions of a key, mostly one, and when to look at them. */
    public static class Open {
        final ArrayList<Session> sessions = new ArrayList<>(1);
        long timer = Long.MAX_VALUE;
    }

    private transient ValueState<Open> state;

    @Override
    public void open(Configuration configuration) {
        state = getRuntimeContext().getState(
            new ValueStateDescriptor<>("open", TypeInformation.of(Open.class)));
    }

    @Override
    public void processElement(Step step, Context context, Collector<Digest.Row> out) throws Exception {
        Open open = state.value();
        if (open == null) {
            open = new Open();
            state.update(open);
        }
        Session joined = null;
        for (int at = 0; at < open.sessions.size(); at++) {
            Session session = open.sessions.get(at);
            if (session.start - GAP > step.timestamp || step.timestamp > session.end + GAP) {
                continue;
            }
            if (joined == null) {
                joined = session;
                joined.add(step);
            } else {
                joined.add(session);
                open.sessions.remove(at--);
            }
        }
        if (joined == null) {
            joined = new Session();
            joined.start = step.timestamp;
            joined.end = step.timestamp;
            joined.add(step);
            open.sessions.add(joined);
        }
        if (open.timer == Long.MAX_VALUE) {
            open.timer = joined.end + GAP;
            context.timerService().registerEventTimeTimer(open.timer);
        }
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Digest.Row> out) throws Exception {
        Open open = state.value();
        long watermark = context.timerService().currentWatermark();
        long next = Long.MAX_VALUE;
        for (int at = 0; at < open.sessions.size(); at++) {
            Session session = open.sessions.get(at);
            if (session.end + GAP <= watermark) {
                out.collect(row(context.getCurrentKey(), session));
                open.sessions.remove(at--);
            } else {
                next = Math.min(next, session.end + GAP);
            }
        }
        open.timer = next;
        if (open.sessions.isEmpty()) {
            state.clear();
        } else {
            context.timerService().registerEventTimeTimer(next);
        }
    }

    private static Digest.Row row(String key, Session session) {
        return new Digest.Row("sessions", Digest.of(key), new long[] {
            session.start, session.end, session.end - session.start, Digest.of(session.user),
            session.views, session.clicks, session.pages.size(), session.hasConversion ? 1 : 0});
    }
}
