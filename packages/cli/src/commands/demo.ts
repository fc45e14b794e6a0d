// `selfmonitor demo`: a steady stream of realistic events through the library, counted as they are acknowledged.
import { setTimeout as delay } from 'node:timers/promises'
import type { EventStream } from '@selfmonitor/events'
import { createBrokerWatch } from '../demo/broker-watch.ts'
import { type Counters, countersTable, createCounters, createProgress } from '../demo/counters.ts'
import { createStory, storyTopics } from '../demo/story.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { duration, positiveNumber } from '../framework/parse.ts'
import { isProduction } from '../framework/settings.ts'
import { defineVerb, type Noun, text, value } from '../framework/verb.ts'
import { openStream } from './event-stream.ts'

const tickMs = 50
const redrawMs = 500
const lineMs = 5000

const verb = defineVerb({
  name: 'demo',
  summary: 'emit a steady stream of realistic events',
  details:
    'Users sign up, log in, pay, and are sometimes suspected of fraud: events of user.events, transaction.events,\n' +
    'fraud.alerts and notification.events, validated and encoded as a service does it. Counts acknowledged events, on\n' +
    'standard error; the totals go to standard output.',
  examples: [
    'selfmonitor demo',
    'selfmonitor demo --rate 1000 --duration 30s',
    'selfmonitor demo --duration 10s -o json',
  ],
  options: {
    rate: value('--rate <n>', 'events per second', positiveNumber, 20),
    duration: value('--duration <time>', 'how long, such as 30s (default: until Ctrl-C)', duration),
    file: text('-f, --file <file>', 'platform file whose payload schemas apply (default: the nearest platform.yaml)'),
  },
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { options }) {
    const { io, settings } = context
    const cluster = await context.cluster()
    const present = new Set((await cluster.listTopics()).map(({ name }) => name))
    const missing = storyTopics.filter((topic) => !present.has(topic))
    if (missing.length > 0) {
      throw new CliError('NOT_SET_UP', `The demo writes to topics that do not exist: ${missing.join(', ')}.`, {
        hint: 'SelfMonitor’s own platform.yaml declares them, and `selfmonitor setup` creates them. To write to your own topics: `selfmonitor events emit`.',
      })
    }
    if (isProduction(settings.environment.value) || context.isDefaultAddress('cluster')) {
      await context.confirm({ what: 'Write invented events', typedName: settings.environment.value })
    }
    const stream = await openStream(context, { file: options.file, service: 'selfmonitor-demo' })
    const { counters, emitted, tookMs, firstFailure } = await context.audited(
      { action: 'demo', resources: storyTopics.map((name) => ({ type: 'topic', name })) },
      async (report) => {
        const told = await tellStory(context, stream, { rate: options.rate, durationMs: options.duration })
        report.after(told.counters.totals())
        if (told.firstFailure !== undefined) report.failed(told.firstFailure)
        return told
      },
    )
    const totals = counters.totals()
    const rows = counters.rows()
    await context.printThing(
      {
        durationMs: Math.round(tookMs),
        ...totals,
        eventsPerSecond: Number(rateOf(totals.acknowledged, tookMs).toFixed(1)),
        events: rows,
      },
      // A terminal shows these counters already, unless standard output goes elsewhere.
      { table: () => (io.stderr.isTTY && io.stdout.isTTY ? '' : countersTable(counters, context.colours.stdout)) },
    )
    if (totals.failed === 0) return exitCodes.done
    throw new CliError(
      'EVENTS_FAILED',
      `${totals.failed} of ${emitted} events were not acknowledged; the first: ${firstFailure?.message}`,
      {
        cause: firstFailure,
      },
    )
  },
})

interface Told {
  readonly counters: Counters
  readonly emitted: number
  readonly tookMs: number
  readonly firstFailure: Error | undefined
}

/** Emits events until the duration is over or the command is interrupted, and waits for what is under way. */
async function tellStory(
  context: Context,
  stream: EventStream,
  { rate, durationMs }: { readonly rate: number; readonly durationMs: number | undefined },
): Promise<Told> {
  const { io } = context
  const story = createStory({ random: Math.random, now: Date.now })
  const counters = createCounters()
  const progress = createProgress(io.stderr, counters, context.colours.stderr)
  const watch = createBrokerWatch((said) => progress.say(context.colours.stderr.careful(said)))
  const reportMs = io.stderr.isTTY ? redrawMs : lineMs

  const started = performance.now()
  const elapsedMs = (): number => performance.now() - started
  const underWay = new Set<Promise<void>>()
  let emitted = 0
  let reported = 0
  let firstFailure: Error | undefined
  const over = (): boolean => io.signal.aborted || elapsedMs() >= (durationMs ?? Number.POSITIVE_INFINITY)

  while (!over()) {
    // The events that are due by now, up to a limit on unacknowledged ones: a slow broker slows the demo down.
    const owed = Math.floor((elapsedMs() / 1000) * rate) - emitted
    const room = Math.max(0, Math.ceil(rate * 5) + 100 - underWay.size)
    for (let index = 0; index < Math.min(owed, room); index += 1) {
      const event = story()
      emitted += 1
      const sent: Promise<void> = stream
        .emit(event.topic, event.eventType, event.data, { userId: event.userId })
        .then(
          () => counters.acknowledged(event.topic, event.eventType),
          (error: Error) => {
            firstFailure ??= error
            counters.failed(event.topic, event.eventType)
          },
        )
        .finally(() => underWay.delete(sent))
      underWay.add(sent)
    }
    const { acknowledged } = counters.totals()
    watch.look({ nowMs: elapsedMs(), connected: stream.health().broker === 'connected', acknowledged })
    if (elapsedMs() - reported >= reportMs) {
      reported = elapsedMs()
      progress.show(reported, rateOf(acknowledged, reported))
    }
    // It only rejects when the signal ends the loop.
    await delay(tickMs, undefined, { signal: io.signal }).catch(() => {})
  }
  const tookMs = elapsedMs()
  await Promise.all(underWay)
  progress.end(tookMs, rateOf(counters.totals().acknowledged, tookMs))
  return { counters, emitted, tookMs, firstFailure }
}

function rateOf(events: number, ms: number): number {
  return ms <= 0 ? 0 : (events * 1000) / ms
}

export const demo: Noun = { name: 'demo', summary: verb.summary, verbs: [verb] }
