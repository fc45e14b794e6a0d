#!/usr/bin/env node
// The `selfmonitor` command as a process: signals, broken pipes and the exit code. What it does is in run.ts.
import { enableCompileCache } from 'node:module'

enableCompileCache?.()

const { processIo } = await import('./framework/io.ts')
const { run } = await import('./run.ts')

// `selfmonitor topics list | head` closes our standard output early: that is its right, and not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one forces: whoever presses Ctrl-C twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(130)
    interrupt.abort(signal)
  })
}

process.exitCode = await run(process.argv.slice(2), processIo(interrupt.signal))
// Whatever still holds the event loop (a socket on its way down) has had its chance: output is flushed first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
process.exit()
