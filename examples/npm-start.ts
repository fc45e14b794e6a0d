/**
 * `npm start` runs a service in a shell, and npm sends a SIGTERM to the shell alone: when the shell has ended, the signal is passed on.
 * Run without npm, in a container for example, a process gets its signals itself.
 */
export function endWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 200)
  watch.unref()
}
