// Probes the parts of a platform that are recorded as running.
import { connect } from 'node:net'
import { type FoundState, isSameProcess, residentBytes } from '@selfmonitor/platform/running'
import type { RegistryClientOptions } from '@selfmonitor/registry'
import { diskText } from './remedy.ts'

export interface PartStatus {
  readonly part: string
  readonly state: 'up' | 'starting' | 'not answering' | 'stopped' | 'orphaned' | 'disk full'
  readonly address: string
  readonly pid: number | null
  readonly uptimeMs: number | null
  /** Resident memory of the part's process; parts of one process share it. */
  readonly memoryBytes: number | null
}

/** Every part of one platform that `up` recorded, each probed. */
export async function platformStatus(found: FoundState, probeTimeoutMs: number, nowMs: number): Promise<PartStatus[]> {
  const { state, alive } = found
  const main = { pid: alive ? state.process.pid : null }
  const part = async (
    name: string,
    address: string,
    pid: number | null,
    probe: () => Promise<boolean>,
  ): Promise<PartStatus> => {
    const answers = pid !== null && (await probe())
    const up = !alive && pid !== null ? 'orphaned' : state.ready ? 'up' : 'starting'
    return {
      part: name,
      state: pid === null ? 'stopped' : answers ? up : state.ready ? 'not answering' : 'starting',
      address,
      pid,
      uptimeMs: pid === null ? null : nowMs - state.startedAtMs,
      memoryBytes: pid === null ? null : (residentBytes(pid) ?? null),
    }
  }
  const kafka =
    state.nodes.length === 0
      ? state.bootstrapServers
          .split(',')
          .map((address, index, all) =>
            part(all.length === 1 ? 'broker (embedded)' : `broker ${index + 1} (embedded)`, address, main.pid, () =>
              answersTcp(address, probeTimeoutMs),
            ),
          )
      : state.nodes.map((node) =>
          part(
            `broker ${node.nodeId} (apache)`,
            node.address,
            isSameProcess(node.pid, node.identity) ? node.pid : null,
            () => answersTcp(node.address, probeTimeoutMs),
          ),
        )
  const registry = part('registry', state.registryUrl, main.pid, () =>
    answersHttp(`${state.registryUrl}/subjects`, probeTimeoutMs),
  )
  const { metricsUrl } = state
  const exporter =
    metricsUrl === undefined
      ? []
      : [part('exporter', metricsUrl, main.pid, () => answersHttp(`${metricsUrl}/-/healthy`, probeTimeoutMs))]
  const parts = await Promise.all([...kafka, registry, ...exporter])
  // A broker with a full disk answers requests, but accepts no records.
  const isFull = diskText(state) !== undefined
  return parts.map((one, index) =>
    isFull && one.state === 'up' && index < kafka.length ? { ...one, state: 'disk full' } : one,
  )
}

/** Parts at addresses that are not in the state file: a cluster elsewhere. */
export async function remoteStatus(
  bootstrapServers: string,
  registry: RegistryClientOptions,
  probeTimeoutMs: number,
): Promise<PartStatus[]> {
  const part = async (name: string, address: string, probe: Promise<boolean>): Promise<PartStatus> => ({
    part: name,
    state: (await probe) ? 'up' : 'not answering',
    address,
    pid: null,
    uptimeMs: null,
    memoryBytes: null,
  })
  const { createRegistryClient } = await import('@selfmonitor/registry')
  const client = createRegistryClient({ ...registry, timeoutMs: probeTimeoutMs, retries: 0 })
  return await Promise.all([
    ...bootstrapServers.split(',').map((address) => part('broker', address, answersTcp(address, probeTimeoutMs))),
    part('registry', client.url, answers(client.subjects())),
  ])
}

function answersTcp(address: string, timeoutMs: number): Promise<boolean> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)), timeout: timeoutMs })
    const settle = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', settle(true))
    socket.once('timeout', settle(false))
    socket.once('error', settle(false))
  })
}

function answers(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  )
}

async function answersHttp(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
