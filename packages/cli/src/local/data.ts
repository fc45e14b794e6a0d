// The data of a project's platforms: its size, and its deletion.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Engine, findStates, isSameProcess, selfmonitorDir } from '@selfmonitor/platform/running'
import { CliError } from '../framework/errors.ts'
import { engineDataDir } from './engines.ts'

export interface EngineData {
  readonly engine: Engine
  readonly folder: string
  readonly sizeBytes: number
}

const engines = ['embedded', 'apache'] as const satisfies readonly Engine[]

/** The existing folders of the engines in a data directory. */
export function findData(dataDir: string): EngineData[] {
  return engines.flatMap((engine) => {
    const folder = engineDataDir(dataDir, engine)
    if (!existsSync(folder) || readdirSync(folder).length === 0) return []
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    const sizeBytes = files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
    return [{ engine, folder, sizeBytes }]
  })
}

/** Other data directories of the project that hold data: those in `.selfmonitor`, and those of the platforms noted there. */
export function otherDataDirs(cwd: string, dataDir: string): string[] {
  const home = selfmonitorDir(cwd)
  const beside = existsSync(home) ? readdirSync(home).map((name) => join(home, name)) : []
  const noted = findStates(cwd).map(({ state }) => dirname(state.dataDir))
  return [...new Set([...beside, ...noted])]
    .filter((folder) => folder !== dataDir && findData(folder).length > 0)
    .sort()
}

/** @throws CliError IN_USE while a platform of this project runs on it */
export function requireUnused({ folder }: EngineData, cwd: string): void {
  const user = findStates(cwd).find(({ state, alive }) => {
    const nodes = state.nodes.some(({ pid, identity }) => isSameProcess(pid, identity))
    return state.dataDir === folder && (alive || nodes)
  })
  if (user === undefined) return
  const { portOffset, process } = user.state
  throw new CliError('IN_USE', `A platform runs on ${folder} (process ${process.pid}).`, {
    hint: `\`selfmonitor down${portOffset === 0 ? '' : ` --port-offset ${portOffset}`}\` stops it.`,
  })
}

/** @throws CliError NOT_PLATFORM_DATA when the folder holds something else, IN_USE while a broker runs on it; nothing is deleted then */
export async function deleteData({ engine, folder }: EngineData): Promise<void> {
  if (engine === 'embedded') {
    const { deleteDataDir } = await import('@selfmonitor/broker')
    try {
      deleteDataDir(folder)
      return
    } catch (error) {
      const { code, message } = error as Error & { code?: unknown }
      if (code === 'DATA_DIR_LOCKED') throw new CliError('IN_USE', message, { cause: error })
      if (code === 'DATA_DIR_INVALID') throw new CliError('NOT_PLATFORM_DATA', message, { cause: error })
      throw error
    }
  }
  const strange = readdirSync(folder).find((name) => !/^(cluster\.json|node-\d+)$/.test(name))
  if (strange !== undefined) {
    throw new CliError('NOT_PLATFORM_DATA', `${folder} is not the data of Apache Kafka: it has ${strange}.`, {
      hint: 'Nothing was deleted.',
    })
  }
  rmSync(folder, { recursive: true, force: true })
}
