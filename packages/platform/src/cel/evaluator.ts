// Evaluates an expression in a thread of its own: a regular expression can run for hours (`matches` is JavaScript's RegExp), and must
// not hold up the process. An evaluation that takes too long is stopped with its thread; the others go on in a new one.
import { Worker } from 'node:worker_threads'
import { type CelContext, type CelOptions, type CelOutcome, compileCel } from './compile.ts'

export interface CelEvaluator {
  /**
   * Evaluates the expression for each context. Calls run one after the other.
   * @returns the outcomes in the order of the contexts
   * @throws Error when the evaluator is closed
   */
  evaluate(contexts: readonly CelContext[]): Promise<CelOutcome[]>
  close(): Promise<void>
}

export interface CelEvaluatorOptions extends CelOptions {
  /** How long one evaluation may take, in milliseconds; it is stopped by twice that. Default 1000. */
  readonly deadlineMs?: number
}

const defaultDeadlineMs = 1_000
/** For one context and what an expression makes of it. */
const maxHeapMb = 256

/** What a thread says when it has compiled the expression. */
export const readyMessage = 'ready'

const workerFile = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** @throws CelError when the expression is not valid */
export function createCelEvaluator(expression: string, options: CelEvaluatorOptions): CelEvaluator {
  const { deadlineMs = defaultDeadlineMs, variables, isCondition = false, decimals = false } = options
  const celOptions: CelOptions = { variables, isCondition, decimals }
  compileCel(expression, celOptions)
  let worker: Worker | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let closed = false

  function thread(): Worker {
    worker ??= new Worker(workerFile, {
      workerData: { expression, options: celOptions },
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      // The variables of this process, passwords among them, are nothing to an expression.
      env: {},
    })
    return worker
  }

  /** As many outcomes as the thread gave before it had to be stopped, and then one that says why. */
  function run(contexts: readonly CelContext[]): Promise<CelOutcome[]> {
    const running = thread()
    const outcomes: CelOutcome[] = []
    const { promise, resolve } = Promise.withResolvers<CelOutcome[]>()
    let seen = -1
    const stop = (code: string, message: string): void => {
      worker = undefined
      void running.terminate()
      resolve([...outcomes, { kind: 'error', code, message }])
    }
    const timer = setInterval(() => {
      if (isStarted && seen === outcomes.length) stop('deadline', `it took longer than ${deadlineMs} ms`)
      seen = outcomes.length
    }, deadlineMs)
    // The start of a thread on a busy machine, with its modules, is not the expression's time.
    let isStarted = ready.has(running)
    running.on('message', (outcome: CelOutcome | typeof readyMessage) => {
      if (outcome === readyMessage) {
        ready.add(running)
        isStarted = true
        seen = -1
        return
      }
      if (outcomes.push(outcome) === contexts.length) resolve(outcomes)
    })
    running.on('error', (error: Error & { code?: string }) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      stop(isMemory ? 'out_of_memory' : 'failed', isMemory ? `it needs more than ${maxHeapMb} MiB` : error.message)
    })
    running.ref()
    running.postMessage(contexts)
    return promise.finally(() => {
      clearInterval(timer)
      running.removeAllListeners('message')
      running.removeAllListeners('error')
      // One that is being stopped may still report an error.
      running.on('error', () => {})
      running.unref()
    })
  }

  async function all(contexts: readonly CelContext[]): Promise<CelOutcome[]> {
    const outcomes: CelOutcome[] = []
    while (outcomes.length < contexts.length) {
      if (closed) throw new Error('the evaluator is closed')
      outcomes.push(...(await run(contexts.slice(outcomes.length))))
    }
    return outcomes
  }

  return {
    evaluate(contexts) {
      const result = turn.then(() => all(contexts))
      turn = result.catch(() => {})
      return result
    },
    async close() {
      closed = true
      await worker?.terminate()
      worker = undefined
    },
  }
}

const ready = new WeakSet<Worker>()
