// The files and ports of `up`, and the check whether it is running here already.
import { join, resolve } from 'node:path'
import {
  type Engine,
  isSameProcess,
  readState,
  removeState,
  selfmonitorDir,
  stateFile,
} from '@selfmonitor/platform/running'
import { CliError } from '../framework/errors.ts'
import { defaults } from '../framework/settings.ts'
import { besideText, type WantedPort } from './ports.ts'
import { endedText, logText, restartText } from './remedy.ts'

export interface UpOptions {
  readonly engine: Engine
  readonly brokers: number
  readonly dataDir: string | undefined
  readonly portOffset: number
  readonly setup: boolean
  readonly file: string | undefined
  readonly brokerConfig: Readonly<Record<string, string>> | undefined
  readonly version: string
}

export interface UpPaths {
  readonly state: string
  readonly dataDir: string
  /** JSON lines of the servers. */
  readonly log: string
  /** Standard output and error of a detached `up`. */
  readonly output: string
}

export function upPaths(cwd: string, options: { dataDir: string | undefined; portOffset: number }): UpPaths {
  const home = selfmonitorDir(cwd)
  return {
    state: stateFile(cwd, options.portOffset),
    dataDir: options.dataDir === undefined ? join(home, 'data') : resolve(cwd, options.dataDir),
    log: join(home, 'log', `${options.portOffset}.log`),
    output: join(home, 'log', `${options.portOffset}.out`),
  }
}

/** The ports that `up` listens on. */
export function wantedPorts({ brokers, portOffset }: Pick<UpOptions, 'brokers' | 'portOffset'>): WantedPort[] {
  return [
    ...Array.from({ length: brokers }, (_, index) => ({ port: defaults.kafkaPort + portOffset + index, use: 'Kafka' })),
    { port: defaults.registryPort + portOffset, use: 'the Schema Registry' },
    { port: defaults.metricsPort + portOffset, use: 'the metrics' },
  ]
}

/** @throws CliError ALREADY_RUNNING when a platform with this port offset runs in this project. */
export async function requireNotRunning(paths: UpPaths, ports: readonly WantedPort[]): Promise<void> {
  const found = readState(paths.state)
  if (found === undefined) return
  const { state } = found
  if (found.alive) {
    const ended = endedText(state)
    if (ended !== undefined) {
      throw new CliError(
        'BROKERS_ENDED',
        `It is recorded as running (process ${state.process.pid}), but ${ended}. Log: ${logText(state)}`,
        { hint: `${restartText(state)}.` },
      )
    }
    const offset = state.portOffset === 0 ? '' : ` --port-offset ${state.portOffset}`
    const beside = await besideText(ports, state.portOffset, '`selfmonitor up ')
    throw new CliError(
      'ALREADY_RUNNING',
      `It is already running: ${state.engine}, Kafka ${state.bootstrapServers}, registry ${state.registryUrl}, process ${state.process.pid}.`,
      {
        hint: `\`selfmonitor status\` shows it, \`selfmonitor down${offset}\` stops it${beside === '' ? '' : `, ${beside} --data-dir <folder>\` starts another beside it`}.`,
      },
    )
  }
  const orphans = state.nodes.filter(({ pid, identity }) => isSameProcess(pid, identity))
  if (orphans.length > 0) {
    throw new CliError(
      'ORPHANED_BROKERS',
      `An earlier \`up\` ended without stopping its brokers: process ${orphans.map(({ pid }) => pid).join(', ')} still runs.`,
      { hint: '`selfmonitor down` stops them.' },
    )
  }
  removeState(paths.state)
}
