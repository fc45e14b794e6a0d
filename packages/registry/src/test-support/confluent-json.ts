// Confluent's JSON serializer for JavaScript, in a process of its own: a package below it imports a folder, which Vitest's loader does
// not find. Prints the answers as JSON.
import { SchemaRegistryClient } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import { JsonDeserializer, JsonSerializer } from '@confluentinc/schemaregistry/dist/serde/json.js'
import { SerdeType } from '@confluentinc/schemaregistry/dist/serde/serde.js'

const [url, topic] = process.argv.slice(2) as [string, string]
const registry = new SchemaRegistryClient({ baseURLs: [url] })
const serializer = new JsonSerializer(registry, SerdeType.VALUE, { useLatestVersion: true, validate: true })
const bytes = await serializer.serialize(topic, { home: 'Hof 1' })
const invalid = await serializer.serialize(topic, { home: '' }).then(
  () => null,
  (error: Error) => error.message,
)
const deserializer = new JsonDeserializer(registry, SerdeType.VALUE, {})
const value = await deserializer.deserialize(topic, bytes)
console.log(JSON.stringify({ bytes: bytes.toString('hex'), invalid, value }))
