package shop;

import java.util.HashMap;
import java.util.PriorityQueue;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** The rules of the example: events wait for the watermark and are judged in the order of their times. */
public class Anomalies extends KeyedProcessFunction<String, Anomalies.Step, Digest.Row> {
    private static final long FAST = 100;
    private static final long HOUR = 3_600_000;

    /** What the rules need of an event. */
    public static class Step {
        public String userId;
        public String eventId;
        public String eventType;
        public String amount;
        public String ip;
        public long timestamp;

        public Step() {}

        Step(Event event) {
            userId = event.userId;
            eventId = event.eventId;
            eventType = event.eventType;
            amount = event.amount;
            ip = event.ip;
            timestamp = event.timestamp;
        }
    }

    /** What is remembered of a user. */
    public static class History {
        final PriorityQueue<Step> waiting = new PriorityQueue<>(2, (a, b) -> Long.compare(a.timestamp, b.timestamp));
        final HashMap<String, Long> addresses = new HashMap<>(4);
        long previous = Long.MIN_VALUE;
        long purchases;
        double spent;
        boolean hasTimer;
    }

    private transient ValueState<History> state;

    @Override
    public void open(Configuration configuration) {
        state = getRuntimeContext().getState(
            new ValueStateDescriptor<>("history", TypeInformation.of(History.class)));
    }

    @Override
    public void processElement(Step step, Context context, Collector<Digest.Row> out) throws Exception {
        History history = state.value();
        if (history == null) {
            history = new History();
            state.update(history);
        }
        history.waiting.add(step);
        if (!history.hasTimer) {
            history.hasTimer = true;
            context.timerService().registerEventTimeTimer(step.timestamp);
        }
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Digest.Row> out) throws Exception {
        History history = state.value();
        long watermark = context.timerService().currentWatermark();
        while (!history.waiting.isEmpty() && history.waiting.peek().timestamp <= watermark) {
            judge(history, history.waiting.poll(), out);
        }
        history.hasTimer = !history.waiting.isEmpty();
        if (history.hasTimer) {
            context.timerService().registerEventTimeTimer(history.waiting.peek().timestamp);
        }
    }

    private static void judge(History history, Step step, Collector<Digest.Row> out) {
        boolean isKnown = history.previous != Long.MIN_VALUE;
        long since = step.timestamp - history.previous;
        if (step.eventType.equals("click") && isKnown && since < FAST) {
            out.collect(alert(step, "Unusually fast clicking detected"));
        }
        if (step.eventType.equals("purchase") && step.amount != null) {
            double amount = Double.parseDouble(step.amount);
            if (history.purchases > 0 && amount > 5 * (history.spent / history.purchases)) {
                out.collect(alert(step, "Unusually large purchase amount"));
            }
            history.purchases++;
            history.spent += amount;
        }
        boolean isSeen = history.addresses.put(step.ip, step.timestamp) != null;
        if (!isSeen && isKnown && since <= HOUR) {
            out.collect(alert(step, "Rapid location change detected"));
        }
        history.previous = step.timestamp;
    }

    private static Digest.Row alert(Step step, String reason) {
        return new Digest.Row("anomalies", Digest.of(step.userId), new long[] {
            Digest.of(step.eventId), Digest.of("ANOMALY_DETECTION"), Digest.of("HIGH"), Digest.of(reason),
            step.timestamp});
    }
}
