// Asks Java Avro for its answers to the cases in the files beside this one, and writes them into the same lines.
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

public class AvroOracle {
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] folders) throws Exception {
    Path folder = Path.of(folders[0]);
    rewrite(folder.resolve("canonical.jsonl"), AvroOracle::canonical);
    rewrite(folder.resolve("compatibility.jsonl"), AvroOracle::compatibility);
  }

  interface Answer {
    void into(ObjectNode line) throws Exception;
  }

  static void rewrite(Path file, Answer answer) throws Exception {
    List<String> lines = new ArrayList<>();
    for (String text : Files.readAllLines(file)) {
      ObjectNode line = (ObjectNode) JSON.readTree(text);
      line.remove(List.of("canonical", "problems", "error"));
      try {
        answer.into(line);
      } catch (RuntimeException refused) {
        line.put("error", refused.getMessage());
      }
      lines.add(JSON.writeValueAsString(line));
    }
    Files.write(file, lines);
  }

  /** The text of a schema as Confluent's registry stores it: referenced types stay names. */
  static void canonical(ObjectNode line) {
    Schema.Parser parser = new Schema.Parser();
    List<Schema> references = new ArrayList<>();
    line.withArray("references").forEach(text -> references.add(parser.parse(text.textValue())));
    if (references.isEmpty()) line.remove("references");
    line.put("canonical", parser.parse(line.get("schema").textValue()).toString(references, false));
  }

  static void compatibility(ObjectNode line) {
    Schema reader = new Schema.Parser().parse(line.get("reader").toString());
    Schema writer = new Schema.Parser().parse(line.get("writer").toString());
    ArrayNode problems = JSON.createArrayNode();
    for (SchemaCompatibility.Incompatibility problem :
        SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities()) {
      problems
          .addObject()
          .put("type", problem.getType().name())
          .put("path", problem.getLocation())
          .put("message", problem.getMessage());
    }
    line.set("problems", problems);
  }
}
