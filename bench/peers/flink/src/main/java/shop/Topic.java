package shop;

import java.io.IOException;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Reads a topic from its beginning to where it ends now. The watermark is that of the slowest partition less a delay. */
final class Topic {
    private Topic() {}

    /** The events of {@code SERVERS/TOPIC}. */
    static DataStream<Event> events(StreamExecutionEnvironment environment, String place, long delay) {
        int slash = place.indexOf('/');
        KafkaSource<Event> source = KafkaSource.<Event>builder()
            .setBootstrapServers(place.substring(0, slash))
            .setTopics(place.substring(slash + 1))
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            .setValueOnlyDeserializer(new Decoder())
            .build();
        WatermarkStrategy<Event> watermarks = WatermarkStrategy
            .<Event>forBoundedOutOfOrderness(Duration.ofMillis(delay))
            .withTimestampAssigner((event, time) -> event.timestamp);
        return environment.fromSource(source, watermarks, "events");
    }

    /** Events as JSON. */
    private static final class Decoder extends AbstractDeserializationSchema<Event> {
        @Override
        public Event deserialize(byte[] message) throws IOException {
            return Event.read(message, message.length);
        }
    }
}
