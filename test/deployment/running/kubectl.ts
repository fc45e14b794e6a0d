// A kubectl for the scripts of the repository that run on an operator's machine: the two verbs that they use, answered by the cluster
// of a test. Its folder comes first on the PATH of the script.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import type { Cluster, ExecResult } from './types.ts'

export interface Kubectl {
  /** Runs a script with this kubectl, in a folder of its own. */
  run(script: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<ExecResult>
  close(): Promise<void>
}

const client = `import { connect } from 'node:net'
const [socket, ...words] = process.argv.slice(2)
const input = words.includes('-i') ? Buffer.concat(await process.stdin.toArray()).toString() : ''
const server = connect(socket).end(JSON.stringify({ words, input }))
const { exitCode, stdout, stderr } = JSON.parse(Buffer.concat(await server.toArray()).toString())
process.stdout.write(stdout)
process.stderr.write(stderr)
process.exitCode = exitCode
`

export async function startKubectl(cluster: Cluster): Promise<Kubectl> {
  const folder = await mkdtemp(join(tmpdir(), 'kubectl-'))
  const socket = join(folder, 'socket')
  await writeFile(join(folder, 'client.mjs'), client)
  const program = `#!/bin/bash\nexec ${process.execPath} ${folder}/client.mjs ${socket} "$@"\n`
  await writeFile(join(folder, 'kubectl'), program)
  await chmod(join(folder, 'kubectl'), 0o755)
  const server = createServer({ allowHalfOpen: true }, (connection) => void serve(connection, cluster))
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    run: (script, args, env = {}) =>
      run(script, args, {
        cwd: folder,
        env: { PATH: `${folder}:${process.env.PATH}`, POLL_SECONDS: '1', ...env },
        timeoutMs: 600_000,
      }) as Promise<ExecResult>,
    async close() {
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true })
    },
  }
}

async function serve(connection: Socket, cluster: Cluster): Promise<void> {
  const { words, input } = JSON.parse(Buffer.concat(await connection.toArray()).toString())
  const answer = await answerTo(words, input, cluster).catch((error: Error) => failed(error.message))
  connection.end(JSON.stringify(answer))
}

const failed = (stderr: string): ExecResult => ({ exitCode: 1, stdout: '', stderr: `${stderr}\n` })

async function answerTo(words: readonly string[], stdin: string, cluster: Cluster): Promise<ExecResult> {
  const [n, namespace, verb, ...rest] = words
  if (n !== '-n') return failed('the first option is to be -n')
  if (verb === 'exec') {
    const [i, pod, separator, ...command] = rest
    if (i !== '-i' || separator !== '--') return failed(`exec ${rest.join(' ')}`)
    return cluster.exec(pod!, command, { namespace, stdin, timeoutMs: 300_000 })
  }
  const [kind, name, o, template] = rest
  const [, key] = /^jsonpath=\{\.data\.(.+)\}$/.exec(template ?? '') ?? []
  if (verb !== 'get' || kind !== 'secret' || o !== '-o' || key === undefined) return failed(words.join(' '))
  const secret = cluster.get('Secret', name!, namespace)
  if (!secret) return failed(`Error from server (NotFound): secrets "${name}" not found`)
  return { exitCode: 0, stdout: secret.data[key.replaceAll('\\', '')] ?? '', stderr: '' }
}
