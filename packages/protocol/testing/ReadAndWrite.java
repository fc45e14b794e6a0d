// Reads messages with Apache Kafka's own classes and writes them again, so that a test can compare the bytes.
// Standard input: a line a message, `name version hex`. Standard output: for each line the hex of what Kafka writes.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

public class ReadAndWrite {
    private static String className(String message) {
        if (message.matches(".*(Key|Value)")) return "org.apache.kafka.coordinator.group.generated." + message;
        if (message.matches(".*(Request|Response)")) return "org.apache.kafka.common.message." + message + "Data";
        return "org.apache.kafka.common.message." + message;
    }

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(" ", -1);
            short version = Short.parseShort(parts[1]);
            Message message = (Message) Class.forName(className(parts[0])).getDeclaredConstructor().newInstance();
            ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(parts[2]));
            message.read(new ByteBufferAccessor(bytes), version);
            if (bytes.hasRemaining()) {
                System.out.println(bytes.remaining() + " bytes remain");
                continue;
            }
            ByteBuffer written = MessageUtil.toByteBufferAccessor(message, version).buffer();
            byte[] result = new byte[written.remaining()];
            written.get(result);
            System.out.println(HexFormat.of().formatHex(result));
        }
    }
}
