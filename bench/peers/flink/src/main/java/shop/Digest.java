package shop;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.streaming.api.functions.sink.RichSinkFunction;

/** Takes rows and keeps, per job, how many there were and the sum of every column, modulo 2^64. */
@SuppressWarnings("deprecation")
public class Digest extends RichSinkFunction<Digest.Row> {
    private static final Map<String, long[]> SUMS = new TreeMap<>();

    /** A row as numbers: texts by their hash. */
    public static class Row {
        public String job;
        public long key;
        public long[] values;

        public Row() {}

        Row(String job, long key, long[] values) {
            this.job = job;
            this.key = key;
            this.values = values;
        }
    }

    /** FNV-1a of the text's UTF-8; zero for null. */
    static long of(String text) {
        if (text == null) {
            return 0;
        }
        long hash = 0xcbf29ce484222325L;
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (one & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    @Override
    public void invoke(Row row, Context context) {
        synchronized (SUMS) {
            long[] sums = SUMS.computeIfAbsent(row.job, job -> new long[row.values.length + 2]);
            sums[0]++;
            sums[1] += row.key;
            for (int at = 0; at < row.values.length; at++) {
                sums[at + 2] += row.values[at];
            }
        }
    }

    /** One line per job: its name, the number of rows, the sum of the keys, the sums of the columns. */
    static void write(Path path) throws Exception {
        StringBuilder text = new StringBuilder();
        SUMS.forEach((job, sums) -> {
            text.append(job);
            for (long sum : sums) {
                text.append(' ').append(Long.toUnsignedString(sum));
            }
            text.append('\n');
        });
        Files.writeString(path, text);
    }
}
