// Runs in the network namespace of the kube-dns pod: answers the cluster's names from the records its parent sends, over UDP and TCP.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet, type Question } from 'dns-packet'

const [host] = process.argv.slice(2)
let records: Readonly<Record<string, readonly string[]>> = {}

process.on('disconnect', () => process.exit(0))
process.on('message', (message) => {
  records = message as typeof records
})

/** A name that is not the cluster's does not exist: nothing is asked outside. */
function answer(request: Buffer): Buffer {
  const query = decode(request)
  const question = query.questions?.[0]
  const found = question && records[question.name.toLowerCase()]
  const response: Packet = {
    type: 'response',
    id: query.id,
    // The lowest bits are the response code; 3 is NXDOMAIN.
    flags: AUTHORITATIVE_ANSWER | (found ? 0 : 3),
    questions: query.questions,
    answers: question && found ? answersTo(question, shuffled(found)) : [],
  }
  return encode(response)
}

/** A name that begins with `_` has SRV records, every other addresses. */
function answersTo({ type, name }: Question, found: readonly string[]): Answer[] {
  if (type === 'A' && !name.startsWith('_')) return found.map((data) => ({ type: 'A', name, ttl: 5, data }))
  if (type !== 'SRV' || !name.startsWith('_')) return []
  return found.map((record) => {
    const [port, target = ''] = record.split(' ')
    return { type: 'SRV', name, ttl: 5, data: { port: Number(port), target } }
  })
}

/** Clients that take the first address are spread over all of them. */
function shuffled(addresses: readonly string[]): string[] {
  return addresses
    .map((address) => ({ address, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ address }) => address)
}

const udp = createSocket('udp4', (request, from) => {
  try {
    udp.send(answer(request), from.port, from.address)
  } catch {
    // Other packets get no answer.
  }
})
const tcp = createServer((connection) => {
  let pending = Buffer.alloc(0)
  connection.on('error', () => {})
  connection.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0)
      const reply = answer(pending.subarray(2, end))
      const size = Buffer.alloc(2)
      size.writeUInt16BE(reply.length)
      connection.write(Buffer.concat([size, reply]))
      pending = pending.subarray(end)
    }
  })
})
udp.bind(53, host, () => tcp.listen(53, host, () => process.send!('ready')))
