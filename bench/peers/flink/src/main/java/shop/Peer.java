package shop;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * {@code Peer SOURCE OUTPUT PARALLELISM JOB...}: runs jobs over the files of a folder, or over {@code kafka:SERVERS/TOPIC},
 * and writes what their rows sum to.
 */
public final class Peer {
    private static final long DELAY = 5_000;
    private static final long FIVE_MINUTES = 300_000;

    public static void main(String[] arguments) throws Exception {
        Set<String> jobs = Set.copyOf(Arrays.asList(arguments).subList(3, arguments.length));
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(
            Integer.parseInt(arguments[2]));
        environment.getConfig().enableObjectReuse();
        environment.setBufferTimeout(100);
        DataStream<Event> events = arguments[0].startsWith("kafka:")
            ? Topic.events(environment, arguments[0].substring("kafka:".length()), DELAY)
            : environment.addSource(new Lines(arguments[0], DELAY));
        if (jobs.contains("sessions")) {
            events.map(Sessions.Step::new).keyBy(step -> step.sessionId).process(new Sessions())
                .addSink(new Digest());
        }
        if (jobs.contains("anomalies")) {
            events.filter(event -> event.userId != null).map(Anomalies.Step::new)
                .keyBy(step -> step.userId).process(new Anomalies()).addSink(new Digest());
        }
        if (jobs.contains("product_popularity")) {
            events.filter(event -> event.eventType.equals("page_view") && event.productId != null)
                .map(event -> event.productId).keyBy(product -> product)
                .window(TumblingEventTimeWindows.of(java.time.Duration.ofMillis(FIVE_MINUTES)))
                .aggregate(new Count(), new Popularity()).addSink(new Digest());
        }
        environment.execute();
        Digest.write(Path.of(arguments[1]));
    }

    /** Counts. */
    private static final class Count implements AggregateFunction<String, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 0L;
        }

        @Override
        public Long add(String product, Long count) {
            return count + 1;
        }

        @Override
        public Long getResult(Long count) {
            return count;
        }

        @Override
        public Long merge(Long a, Long b) {
            return a + b;
        }
    }

    /** The row of a window. */
    private static final class Popularity extends ProcessWindowFunction<Long, Digest.Row, String, TimeWindow> {
        @Override
        public void process(String product, Context context, Iterable<Long> counts, Collector<Digest.Row> out) {
            out.collect(new Digest.Row("product_popularity", Digest.of(product),
                new long[] {counts.iterator().next()}));
        }
    }
}
