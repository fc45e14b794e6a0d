// The process that started the command. `npm start` runs it in a shell, which passes no signal on: npm sends SIGTERM to the
// shell, the shell ends, and the command would keep running with no one to stop it. `exec` in the script would avoid the shell,
// but Windows' cmd has no `exec`.

/** Set by npm, yarn and pnpm in the scripts that they run. */
const scriptVariable = 'npm_lifecycle_event'
const checkEveryMs = 200

/**
 * Calls `end` once when the shell that runs this process as a package's script has ended. A process that was started
 * in another way may outlive its parent, and is not watched. Does not keep the process alive.
 */
export function onScriptShellEnd(end: () => void): void {
  if (process.env[scriptVariable] === undefined) return
  const parent = process.ppid
  const check = setInterval(() => {
    // Another process has become the parent; on Windows the number never changes, and no signal ends the shell alone.
    if (process.ppid === parent) return
    clearInterval(check)
    end()
  }, checkEveryMs)
  check.unref()
}

/** The environment for a process that keeps running after this one. */
export function detachedEnv<Env extends Readonly<Record<string, string | undefined>>>(env: Env): Env {
  return { ...env, [scriptVariable]: undefined }
}
