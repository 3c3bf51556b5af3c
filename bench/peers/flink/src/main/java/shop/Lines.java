package shop;

import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.util.Arrays;
import org.apache.flink.streaming.api.functions.source.RichParallelSourceFunction;
import org.apache.flink.streaming.api.watermark.Watermark;

/**
 * Reads the files of a folder as partitions: each subtask reads its own, a batch of each in turn, and decodes the lines.
 * The watermark of a subtask is the slowest of its files less a delay.
 */
@SuppressWarnings("deprecation")
public class Lines extends RichParallelSourceFunction<Event> {
    private static final int BATCH = 4096;

    private final String folder;
    private final long delay;
    private volatile boolean isRunning = true;

    Lines(String folder, long delay) {
        this.folder = folder;
        this.delay = delay;
    }

    @Override
    public void run(SourceContext<Event> context) throws Exception {
        File[] files = new File(folder).listFiles(File::isFile);
        Arrays.sort(files);
        int index = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
        int count = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
        Partition[] partitions = new Partition[(files.length - index + count - 1) / count];
        for (int at = 0; at < partitions.length; at++) {
            partitions[at] = new Partition(files[index + at * count]);
        }
        boolean isLeft = true;
        while (isLeft && isRunning) {
            isLeft = false;
            long slowest = Long.MAX_VALUE;
            for (Partition partition : partitions) {
                if (partition.read(context)) {
                    isLeft = true;
                    slowest = Math.min(slowest, partition.latest);
                }
            }
            if (isLeft) {
                context.emitWatermark(new Watermark(slowest - delay - 1));
            }
        }
    }

    @Override
    public void cancel() {
        isRunning = false;
    }

    /** One file. */
    private static final class Partition {
        private final InputStream input;
        private final byte[] buffer = new byte[256 << 10];
        private int start;
        private int end;
        private long latest = Long.MIN_VALUE;

        Partition(File file) throws Exception {
            input = new FileInputStream(file);
        }

        /** Emits a batch of events; whether there was one. */
        boolean read(SourceContext<Event> context) throws Exception {
            for (int count = 0; count < BATCH; count++) {
                int line = nextLine();
                if (line < 0) {
                    return count > 0;
                }
                Event event = Event.read(Arrays.copyOfRange(buffer, start, start + line), line);
                start += line + 1;
                latest = Math.max(latest, event.timestamp);
                context.collectWithTimestamp(event, event.timestamp);
            }
            return true;
        }

        /** The length of the next line, which begins at {@code start}; -1 at the end. */
        private int nextLine() throws Exception {
            int at = start;
            while (true) {
                for (; at < end; at++) {
                    if (buffer[at] == '\n') {
                        return at - start;
                    }
                }
                System.arraycopy(buffer, start, buffer, 0, end - start);
                at -= start;
                end -= start;
                start = 0;
                int read = input.read(buffer, end, buffer.length - end);
                if (read <= 0) {
                    return -1;
                }
                end += read;
            }
        }
    }
}
