// A process of ours inside one of the cluster's network namespaces, talked to by Node's own messages; it ends with its parent.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type HelperName = 'dns-server' | 'relay' | 'prober'

/** Starts `<name>.ts` of this folder in a network namespace and waits for its first message. */
export async function startHelper(namespace: string, name: HelperName, args: readonly string[]): Promise<ChildProcess> {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, file, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`The ${name} of the cluster ended with ${code}: ${said}`)))
  })
  return child
}
