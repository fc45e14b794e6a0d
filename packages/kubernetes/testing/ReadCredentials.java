// Reads what we make with the classes that a Kafka client and a Kafka broker read it with, and prints what they understood.
// Arguments: a PEM file of key and certificates, a PEM file of trusted CAs; then any number of client.properties.
import java.io.FileInputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import javax.net.ssl.SSLEngine;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.network.ConnectionMode;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;
import org.apache.kafka.common.security.ssl.SslFactory;

public class ReadCredentials {
    public static void main(String[] args) throws Exception {
        broker(args[0], args[1]);
        for (int i = 2; i < args.length; i++) {
            client(args[i]);
        }
    }

    private static void client(String path) throws Exception {
        Properties properties = new Properties();
        try (FileInputStream file = new FileInputStream(path)) {
            properties.load(file);
        }
        System.out.println("bootstrap.servers=" + properties.getProperty("bootstrap.servers"));
        Map<String, Object> jaas = new HashMap<>();
        jaas.put("sasl.jaas.config", new Password(properties.getProperty("sasl.jaas.config")));
        jaas.put("sasl.mechanism", properties.getProperty("sasl.mechanism"));
        var entry = JaasContext.loadClientContext(jaas).configurationEntries().get(0);
        System.out.println("module=" + entry.getLoginModuleName());
        System.out.println("username=" + entry.getOptions().get("username"));
        System.out.println("password=" + entry.getOptions().get("password"));

        // Login module and truststore are loaded when a client is made; its address is not resolvable here.
        properties.put("bootstrap.servers", "127.0.0.1:9");
        Admin.create(properties).close();
        System.out.println("client=made");
    }

    private static void broker(String keystore, String truststore) throws Exception {
        Map<String, Object> broker = new HashMap<>();
        broker.put("ssl.protocol", "TLSv1.3");
        broker.put("ssl.enabled.protocols", java.util.List.of("TLSv1.2", "TLSv1.3"));
        broker.put("ssl.cipher.suites", java.util.List.of());
        broker.put("ssl.keymanager.algorithm", "SunX509");
        broker.put("ssl.trustmanager.algorithm", "PKIX");
        broker.put("ssl.client.auth", "required");
        broker.put("ssl.keystore.type", "PEM");
        broker.put("ssl.keystore.location", keystore);
        broker.put("ssl.truststore.type", "PEM");
        broker.put("ssl.truststore.location", truststore);
        // As a broker does at start: the keystore must be verifiable by the truststore, in a handshake with itself.
        SslFactory factory = new SslFactory(ConnectionMode.SERVER, null, true);
        factory.configure(broker);
        var stores = (DefaultSslEngineFactory) factory.sslEngineFactory();
        var aliases = stores.keystore().aliases();
        while (aliases.hasMoreElements()) {
            String alias = aliases.nextElement();
            System.out.println("chain=" + stores.keystore().getCertificateChain(alias).length);
        }
        System.out.println("trusted=" + stores.truststore().size());
        SSLEngine engine = factory.createSslEngine("localhost", 9092);
        System.out.println("needClientAuth=" + engine.getNeedClientAuth());
        factory.close();
    }
}
