// Events in the envelope, and records of a shape of their own, written and read as a Java service would: Apache Avro's
// generic records in Confluent's frame, whose five bytes are written by hand (its serializer is not on Maven Central).
//
//   java -cp 'libs/*' AvroService.java write|read <bootstrap servers> <registry url> <topic of events> <topic of records>
//
// `read` prints the first event and the first record as one line of JSON.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Conversions.DecimalConversion;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class AvroService {
  static final ObjectMapper json = new ObjectMapper();
  static final HttpClient http = HttpClient.newHttpClient();

  public static void main(String[] args) throws Exception {
    GenericData.get().addLogicalTypeConversion(new DecimalConversion());
    if (args[0].equals("write")) write(args[1], args[2], args[3], args[4]);
    else read(args[1], args[2], args[3], args[4]);
  }

  static JsonNode ask(String url) throws Exception {
    HttpResponse<String> answer =
        http.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) throw new IllegalStateException(url + ": " + answer.body());
    return json.readTree(answer.body());
  }

  static void write(String bootstrap, String registry, String events, String records) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      JsonNode eventSchema = ask(registry + "/subjects/" + events + "-value/versions/latest");
      Schema envelope = new Schema.Parser().parse(eventSchema.get("schema").asText());
      GenericRecord event = new GenericData.Record(envelope);
      event.put("event_id", "e-java");
      event.put("event_type", "user_created");
      event.put("user_id", "u-1");
      event.put("timestamp", 1700000000123L);
      event.put("data", "{\"email\":\"ada@example.com\"}");
      producer.send(new ProducerRecord<>(events, "u-1", frame(eventSchema.get("id").asInt(), event))).get();

      JsonNode recordSchema = ask(registry + "/subjects/" + records + "-value/versions/latest");
      Schema order = new Schema.Parser().parse(recordSchema.get("schema").asText());
      GenericRecord line = new GenericData.Record(order.getField("lines").schema().getElementType());
      line.put("sku", "apple");
      line.put("count", 2);
      GenericRecord record = new GenericData.Record(order);
      record.put("order_id", "o-java");
      record.put("number", 1L << 62);
      record.put("placed_at", 1700000000123L);
      record.put("status", new GenericData.EnumSymbol(order.getField("status").schema(), "PAID"));
      record.put("total", new BigDecimal("12.30"));
      record.put("lines", List.of(line));
      record.put("note", "gift");
      producer.send(new ProducerRecord<>(records, "o-java", frame(recordSchema.get("id").asInt(), record))).get();
    }
  }

  static byte[] frame(int id, GenericRecord record) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(0);
    out.write(ByteBuffer.allocate(4).putInt(id).array());
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  static GenericRecord unframe(String registry, byte[] value) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(value);
    if (bytes.get() != 0) throw new IllegalStateException("not framed");
    Schema schema = new Schema.Parser().parse(ask(registry + "/schemas/ids/" + bytes.getInt()).get("schema").asText());
    return new GenericDatumReader<GenericRecord>(schema)
        .read(null, DecoderFactory.get().binaryDecoder(value, bytes.position(), bytes.remaining(), null));
  }

  static void read(String bootstrap, String registry, String events, String records) throws Exception {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", bootstrap, "group.id", "java-" + records, "auto.offset.reset", "earliest");
    Map<String, Object> found = new LinkedHashMap<>();
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(events, records));
      long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (found.size() < 2 && System.nanoTime() < end) {
        for (ConsumerRecord<String, byte[]> one : consumer.poll(Duration.ofSeconds(1))) {
          GenericRecord value = unframe(registry, one.value());
          Map<String, Object> entry = new LinkedHashMap<>();
          entry.put("key", one.key());
          entry.put("value", plain(value));
          found.putIfAbsent(one.topic().equals(events) ? "event" : "record", entry);
        }
      }
      if (found.size() < 2) {
        // Says where the consumer was, to tell a slow machine from a partition that gave nothing.
        StringBuilder where = new StringBuilder("within 60 s only " + found.keySet() + " arrived;");
        for (TopicPartition one : consumer.assignment()) {
          where.append(" " + one + " at " + consumer.position(one) + ", lag " + consumer.currentLag(one));
        }
        throw new IllegalStateException(where.toString());
      }
    }
    System.out.println(json.writeValueAsString(found));
  }

  static Object plain(Object value) {
    if (value instanceof GenericRecord record) {
      Map<String, Object> fields = new LinkedHashMap<>();
      for (Schema.Field field : record.getSchema().getFields()) {
        fields.put(field.name(), plain(record.get(field.pos())));
      }
      return fields;
    }
    if (value instanceof List<?> list) return list.stream().map(AvroService::plain).toList();
    if (value instanceof Number && !(value instanceof BigDecimal)) return value;
    return value == null ? null : value.toString();
  }
}
