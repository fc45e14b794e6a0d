/**
 * Java's `String.hashCode`, by which Kafka spreads group ids and topic names.
 * @returns a 32-bit integer, negative for half of all strings
 */
export function javaStringHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}
