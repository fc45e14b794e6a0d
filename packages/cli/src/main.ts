#!/usr/bin/env node
// The `selfmonitor` command as a process: signals, broken pipes and the exit code. The command itself is in run.ts.
import { enableCompileCache } from 'node:module'

enableCompileCache?.()

const { loadLightModules } = await import('./light/index.ts')
loadLightModules()

const { processIo } = await import('./framework/io.ts')
const { onScriptShellEnd } = await import('./framework/parent.ts')
const { run } = await import('./run.ts')

// `selfmonitor topics list | head` closes our standard output early, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  // A full disk behind `> file`, for instance.
  process.stderr.write(`error Cannot write to standard output: ${error.message}\n`)
  process.exit(1)
})

// `npm start` passes on the Ctrl-C that the terminal has sent to us already: two signals, one key.
const sameKeyMs = 250
const interrupt = new AbortController()
let interruptedAtMs = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interrupt.signal.aborted) {
      interruptedAtMs = performance.now()
      interrupt.abort(signal)
    } else if (performance.now() - interruptedAtMs > sameKeyMs) {
      // A second Ctrl-C ends the process at once.
      process.exit(130)
    }
  })
}

onScriptShellEnd(() => interrupt.abort('SIGTERM'))

process.exitCode = await run(process.argv.slice(2), processIo(interrupt.signal))
// Exits although something (a closing socket, for example) may still hold the event loop; the output is flushed first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
process.exit()
