// Which failures are the same: their type, and where or how they failed, without numbers and ids.
import { createHash } from 'node:crypto'

/** 16 hex digits over the error's class and its message without numbers, ids and quoted texts. */
export function fingerprintOf(errorClass: string, message: string): string {
  return hash(errorClass, shapeOf(message))
}

/**
 * The same of a failure in Java, for which the headers have no fingerprint: by the first frame of the stack trace that is not of
 * the JDK, Kafka or a framework, where there is one, because messages hold names and values; else by the message.
 */
export function javaFingerprint(errorClass: string, message: string, stack: string | null): string {
  const frame = stack === null ? undefined : ownFrame(stack)
  return frame === undefined ? fingerprintOf(errorClass, message) : hash(errorClass, frame)
}

const frameworks =
  /^(java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|org\.apache\.kafka|org\.apache\.avro|org\.springframework|io\.confluent|com\.fasterxml|org\.eclipse\.jetty)\./

/** `com.shop.Orders.book(Orders.java)`: without the line, which another release moves. */
function ownFrame(stack: string): string | undefined {
  for (const [, frame] of stack.matchAll(/^\s*at (?:[\w.-]+@?[\w.-]*\/\/?)?([\w$.<>]+\([^)]*\))/gm)) {
    if (!frameworks.test(frame!)) return frame!.replace(/:\d+\)$/, ')')
  }
  return undefined
}

function shapeOf(message: string): string {
  return message
    .replace(/"[^"]*"|'[^']*'/g, '""')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '#')
    .replace(/\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/gi, '#')
    .replace(/\d+/g, '#')
}

function hash(errorClass: string, where: string): string {
  return createHash('sha256').update(`${errorClass}\n${where}`).digest('hex').slice(0, 16)
}
