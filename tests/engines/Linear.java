import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Says for which expressions and texts java.util.regex takes more than linear time, or more than a stack of 256 KB.
 *
 * <p>Usage: java Linear.java EXPRESSIONS TEXTS. A line of EXPRESSIONS is one expression; a line of TEXTS is a beginning, a
 * part that is repeated, and an end, with tabs between, where \n, \t and \\ are escapes. Prints a line for each fault.
 */
public final class Linear {
    /** Every text is looked at in this length and in two and four times as much, in characters. */
    private static final int SHORT = 1 << 15;
    /** And the slowest text of each expression in this one. */
    private static final int LONG = 1 << 18;
    /** How much longer a text of twice the length may take. */
    private static final double GROWTH = 2.5;
    /** How often times are taken again that say too much. */
    private static final int ROUNDS = 5;
    /** Times below this are not compared: a timer and a compiler that wakes up weigh more. */
    private static final double NOISE = 0.01;
    /** No text of this size may take longer, in seconds. */
    private static final double LONGEST = 3;
    private static final int STACK = 256 * 1024;
    /** Of the thread alone: other work on the machine does not count. */
    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    private static final List<Pattern> patterns = new ArrayList<>();
    private static String[] told;

    public static void main(String[] arguments) throws Exception {
        List<String> expressions = Files.readAllLines(Path.of(arguments[0]), StandardCharsets.UTF_8);
        List<String> texts = Files.readAllLines(Path.of(arguments[1]), StandardCharsets.UTF_8);
        for (String expression : expressions) {
            patterns.add(Pattern.compile(expression));
        }
        told = new String[expressions.size()];
        // The compiler of the machine is awake before anything is measured.
        for (Pattern pattern : patterns) {
            for (String line : texts.subList(0, Math.min(texts.size(), 8))) {
                time(pattern, text(line, SHORT), 2);
            }
        }
        double[] slowest = new double[patterns.size()];
        String[] by = new String[patterns.size()];
        for (String line : texts) {
            String[] cuts = {text(line, SHORT), text(line, SHORT * 2), text(line, SHORT * 4)};
            for (int at = 0; at < told.length; at++) {
                if (told[at] == null) {
                    double took = tell(at, line, cuts);
                    if (by[at] == null || took > slowest[at]) {
                        slowest[at] = took;
                        by[at] = line;
                    }
                }
            }
        }
        for (int at = 0; at < told.length; at++) {
            if (told[at] == null) {
                tell(at, by[at], new String[] {text(by[at], LONG), text(by[at], LONG * 2), text(by[at], LONG * 4)});
            }
        }
        for (String fault : told) {
            if (fault != null) {
                System.out.println(fault);
            }
        }
        System.out.println("looked at " + expressions.size() + " expressions and " + texts.size() + " texts");
    }

    /** Notes what is wrong with an expression on texts, each of which is twice as long as the one before; the last time. */
    private static double tell(int at, String line, String[] cuts) throws Exception {
        Pattern pattern = patterns.get(at);
        double before = time(pattern, cuts[0], 1);
        for (int cut = 1; cut < cuts.length; cut++) {
            double after = time(pattern, cuts[cut], 1);
            // Measured again in turn, with more patience, before anything is said: the machine does other things too.
            for (int round = 0; round < ROUNDS && before > NOISE && after > GROWTH * before && after < LONGEST / 3; round++) {
                before = Math.max(before, time(pattern, cuts[cut - 1], 5));
                after = Math.min(after, time(pattern, cuts[cut], 5));
            }
            if (after < 0 || before > NOISE && after > GROWTH * before || after > LONGEST) {
                String fault = after < 0 ? "stack" : String.format("%.3f s, half of it %.3f s", after, before);
                told[at] = cuts[cut].length() + " characters: " + fault + "\t" + pattern + "\t" + line;
                return after;
            }
            before = after;
        }
        return before;
    }

    private static String text(String line, int size) {
        String[] parts = line.split("\t", -1);
        String part = plain(parts[1]);
        StringBuilder text = new StringBuilder(size + 512);
        text.append(plain(parts[0]));
        while (text.length() < size) {
            text.append(part);
        }
        text.setLength(size);
        return text.append(plain(parts[2])).toString();
    }

    private static String plain(String text) {
        return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\\\", "\\");
    }

    /** The shortest of some runs, in seconds of processor time; negative where the stack was not enough. */
    private static double time(Pattern pattern, String text, int runs) throws Exception {
        double[] best = {Double.MAX_VALUE};
        Thread thread = new Thread(null, () -> {
            for (int run = 0; run < runs; run++) {
                long start = CLOCK.getCurrentThreadCpuTime();
                try {
                    pattern.matcher(text).find();
                } catch (StackOverflowError error) {
                    best[0] = -1;
                    return;
                }
                best[0] = Math.min(best[0], (CLOCK.getCurrentThreadCpuTime() - start) / 1e9);
            }
        }, "matcher", STACK);
        thread.start();
        thread.join();
        return best[0];
    }
}
