// Runs a container's probes as kubelet does: startup first, then readiness and liveness, each with its own thresholds.
import type { Probe } from './core/pod-spec.ts'

export interface ProbeRunner {
  /** Does one probe and says how it went. Never rejects. */
  readonly once: (probe: Probe) => Promise<{ ok: boolean; detail: string }>
  readonly onReady: (ready: boolean, detail: string) => void
  /** Startup or liveness has failed too often: the container must be stopped. */
  readonly onDead: (detail: string) => void
}

export interface Probes {
  readonly startup?: Probe
  readonly readiness?: Probe
  readonly liveness?: Probe
}

/** Runs until the signal fires. */
export async function runProbes(probes: Probes, runner: ProbeRunner, signal: AbortSignal): Promise<void> {
  if (probes.startup) {
    const outcome = await until(probes.startup, runner, signal, (successes, failures) =>
      successes >= 1 ? 'passed' : failures >= (probes.startup!.failureThreshold ?? 3) ? 'failed' : null,
    )
    if (outcome?.what === 'failed') return runner.onDead(`startup probe: ${outcome.detail}`)
    if (!outcome) return
  }
  await Promise.all([
    probes.readiness ? watchReadiness(probes.readiness, runner, signal) : runner.onReady(true, 'no readiness probe'),
    probes.liveness ? watchLiveness(probes.liveness, runner, signal) : undefined,
  ])
}

async function watchReadiness(probe: Probe, runner: ProbeRunner, signal: AbortSignal): Promise<void> {
  let ready = false
  await until(probe, runner, signal, (successes, failures, detail) => {
    const next = ready ? failures < (probe.failureThreshold ?? 3) : successes >= (probe.successThreshold ?? 1)
    if (next !== ready) {
      ready = next
      runner.onReady(ready, detail)
    }
    return null
  })
}

async function watchLiveness(probe: Probe, runner: ProbeRunner, signal: AbortSignal): Promise<void> {
  const outcome = await until(probe, runner, signal, (_successes, failures) =>
    failures >= (probe.failureThreshold ?? 3) ? 'failed' : null,
  )
  if (outcome) runner.onDead(`liveness probe: ${outcome.detail}`)
}

/** Probes at the probe's period, counting successes and failures in a row, until `decide` says something. */
async function until(
  probe: Probe,
  runner: ProbeRunner,
  signal: AbortSignal,
  decide: (successes: number, failures: number, detail: string) => 'passed' | 'failed' | null,
): Promise<{ what: 'passed' | 'failed'; detail: string } | null> {
  let successes = 0
  let failures = 0
  await pause((probe.initialDelaySeconds ?? 0) * 1000, signal)
  while (!signal.aborted) {
    const begun = Date.now()
    const { ok, detail } = await runner.once(probe)
    if (signal.aborted) return null
    successes = ok ? successes + 1 : 0
    failures = ok ? 0 : failures + 1
    const what = decide(successes, failures, detail)
    if (what) return { what, detail }
    await pause((probe.periodSeconds ?? 10) * 1000 - (Date.now() - begun), signal)
  }
  return null
}

/** Waits, or returns early when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
