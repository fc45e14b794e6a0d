// `client.properties` of an account: one file that Kafka's tools, any Java client and this project's commands take as it is. The
// CA bundle is part of it, so that the file works wherever it is copied to.

/**
 * @param account the SCRAM user
 * @param password printable ASCII
 * @param bundle PEM of the CAs to trust
 */
export function clientProperties(bootstrapServers: string, account: string, password: string, bundle: string): string {
  const login = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${jaas(account)}" password="${jaas(password)}";`
  return [
    '# Made by `selfmonitor kubernetes credentials` from the password and the CA bundle beside it.',
    `bootstrap.servers=${bootstrapServers}`,
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-512',
    `sasl.jaas.config=${escaped(login)}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.certificates=${escaped(bundle.trim())}`,
    '',
  ].join('\n')
}

/** Inside the quotes of a JAAS option. */
function jaas(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}

/** java.util.Properties: a backslash escapes, and a line feed ends the value unless it is written `\n`. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
