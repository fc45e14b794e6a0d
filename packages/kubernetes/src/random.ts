// Random values: Kafka's ids and the passwords of accounts. Only from the system's CSPRNG.
import { randomBytes, randomInt } from 'node:crypto'

const idBytes = 16
/** Kafka keeps the ids whose upper half is zero and whose lower half is below this (DirectoryId, KIP-858). */
const reservedIds = 100n

/**
 * A new id in the form of Kafka's `Uuid`: 16 bytes, version 4, base64url without padding (22 characters).
 * Like `Uuid.randomUuid` it never starts with `-`, which tools would take for an option (KAFKA-15754), and is not one of
 * the ids that Kafka reserves.
 */
export function kafkaUuid(random: (size: number) => Buffer = randomBytes): string {
  for (;;) {
    const bytes = Buffer.from(random(idBytes))
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}

/** @returns the problem of an id that the user supplied; undefined if Kafka accepts it */
export function kafkaUuidProblem(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (!/^[A-Za-z0-9_-]{22}$/.test(text) || bytes.toString('base64url') !== text) {
    return 'is not a Kafka uuid: 16 bytes as base64url, 22 characters (`kafka-storage random-uuid` makes one)'
  }
  if (bytes.readBigUInt64BE(0) === 0n && bytes.readBigUInt64BE(8) < reservedIds) return 'is an id that Kafka reserves'
  return undefined
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const alphabet = `${letters}0123456789`
const passwordLength = 40

/**
 * A new password: 40 letters and digits, over 237 bits. Nothing in it needs quoting in JAAS, properties, YAML or a shell, and
 * it starts with a letter, so that no reader takes it for a number or an option.
 */
export function newPassword(): string {
  let text = letters[randomInt(letters.length)]!
  while (text.length < passwordLength) text += alphabet[randomInt(alphabet.length)]!
  return text
}
