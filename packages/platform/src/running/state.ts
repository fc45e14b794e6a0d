// The running platforms of a project: one small file for each `up` under `.selfmonitor/run/`, from which `status`, `down`, and every
// command and service without a configured address find it. Named by port offset, so that two platforms can run side by side.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isSameProcess } from './process-info.ts'

export type Engine = 'embedded' | 'apache'

/** A process and when it was started, so that its id cannot be taken for another's. */
export interface ProcessRef {
  readonly pid: number
  readonly identity: string
}

export interface RunState {
  readonly formatVersion: 1
  readonly process: ProcessRef
  /** Everything has been started; until then the addresses are only about to answer. */
  readonly ready: boolean
  readonly startedAtMs: number
  readonly engine: Engine
  readonly environment: string
  readonly portOffset: number
  readonly bootstrapServers: string
  readonly registryUrl: string
  /** Of the exporter; absent until it listens, which is a moment after `ready`. */
  readonly metricsUrl?: string
  readonly dataDir: string
  readonly logFile: string
  /** The platform file could not be applied; everything else runs. */
  readonly notApplied?: boolean
  /** The brokers' own processes; empty for the embedded broker, which lives in `process`. */
  readonly nodes: readonly (ProcessRef & { readonly nodeId: number; readonly address: string })[]
}

export interface FoundState {
  readonly file: string
  readonly state: RunState
  /** The process that `up` was is still there. */
  readonly alive: boolean
}

/** The nearest folder upwards that holds platform.yaml or `.selfmonitor`; else where we are. */
export function projectRoot(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'platform.yaml')) || existsSync(join(folder, '.selfmonitor'))) return folder
    if (dirname(folder) === folder) return cwd
  }
}

export function selfmonitorDir(cwd: string): string {
  return join(projectRoot(cwd), '.selfmonitor')
}

export function stateFile(cwd: string, portOffset: number): string {
  return join(selfmonitorDir(cwd), 'run', `${portOffset}.json`)
}

/** Written beside and moved into place: a reader never sees half a file. */
export function writeState(file: string, state: RunState): void {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(temporary, file)
}

export function removeState(file: string): void {
  rmSync(file, { force: true })
}

/** Every platform noted in this project, by port offset. A file that cannot be read is one that nothing is known of. */
export function findStates(cwd: string): FoundState[] {
  const folder = join(selfmonitorDir(cwd), 'run')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => readState(join(folder, name)))
    .filter((found) => found !== undefined)
    .sort((a, b) => a.state.portOffset - b.state.portOffset)
}

export function readState(file: string): FoundState | undefined {
  let state: RunState
  try {
    state = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
  if (state.formatVersion !== 1) return undefined
  return { file, state, alive: isSameProcess(state.process.pid, state.process.identity) }
}
