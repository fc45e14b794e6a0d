// Apache Kafka as the judge of our bytes: its own classes read every message that we write, at every version, and write the
// same bytes again.
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApacheError, findJava, run } from '@selfmonitor/apache'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messages } from '../testing/arbitrary.ts'
import { everyVersion } from '../testing/every-version.ts'
import { fetchDefinitionJars } from '../testing/kafka-jars.ts'
import { encode } from './index.ts'

const program = fileURLToPath(new URL('../testing/ReadAndWrite.java', import.meta.url))

/** What is needed to run a Java source file, or why it cannot be had. */
async function findTools(): Promise<{ java: string; classPath: string } | string> {
  try {
    const jars = await fetchDefinitionJars()
    const java = await findJava()
    const { stdout } = await run(java, ['--list-modules'])
    if (!stdout.includes('jdk.compiler')) {
      if (process.env.CI) throw new Error('the Java here is no JDK')
      return 'the Java here is no JDK'
    }
    return { java, classPath: jars.join(delimiter) }
  } catch (error) {
    if (!(error instanceof ApacheError) || process.env.CI) throw error
    return error.message
  }
}

const tools = await findTools()

describe.skipIf(typeof tools === 'string')('Apache Kafka', () => {
  it('reads every message at every version as we write it, and writes the same bytes', {
    timeout: 120_000,
  }, async () => {
    const { java, classPath } = tools as Exclude<typeof tools, string>
    const cases = everyVersion.flatMap(({ message, version }) =>
      fc.sample(messages(message, version), { numRuns: 12, seed: 4 }).map((value) => {
        const hex = encode(message, version, value).toString('hex')
        return { label: `${message.name} v${version}`, input: `${message.name} ${version} ${hex}`, hex }
      }),
    )
    const stdin = cases.map(({ input }) => `${input}\n`).join('')
    const result = await run(java, ['-Xmx256m', '-cp', classPath, program], { stdin, timeoutMs: 110_000 })
    expect(result.exitCode, result.stderr).toBe(0)
    const answers = result.stdout.trimEnd().split('\n')
    const wrong = cases.flatMap(({ label, hex }, index) =>
      answers[index] === hex ? [] : [{ label, hex, kafka: answers[index] }],
    )
    expect(wrong.slice(0, 3)).toEqual([])
    expect(answers).toHaveLength(cases.length)
  })
})
