// `@selfmonitor/platform/running`: the platforms that `selfmonitor up` runs in a project, as it notes them. The command line
// and the library look here for addresses; nothing else of this package is loaded.
export { commandLine, isSameProcess, processIdentity, residentBytes } from './process-info.ts'
export {
  type Engine,
  type FoundState,
  findStates,
  type ProcessRef,
  projectRoot,
  type RunState,
  readState,
  removeState,
  selfmonitorDir,
  stateFile,
  writeState,
} from './state.ts'
export { chooseTarget, stoppedText, type Target, upCommand } from './target.ts'
