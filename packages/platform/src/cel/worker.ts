// The thread that evaluates. It answers each context at once, so that the other side knows how far it came.
import { parentPort, workerData } from 'node:worker_threads'
import { type CelContext, type CelOptions, compileCel } from './compile.ts'
import type { readyMessage } from './evaluator.ts'

const { expression, options } = workerData as { readonly expression: string; readonly options: CelOptions }
const evaluate = compileCel(expression, options)
const port = parentPort!
port.postMessage('ready' satisfies typeof readyMessage)

port.on('message', (contexts: readonly CelContext[]) => {
  for (const context of contexts) {
    const outcome = evaluate(context)
    try {
      port.postMessage(outcome)
    } catch (error) {
      // A function or a symbol cannot be passed between threads.
      port.postMessage({ kind: 'error', code: 'failed', message: (error as Error).message })
    }
  }
})
