// What every image here stands on: this machine's libraries read-only, and of its programs only those that the image has.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Programs of the small bases of Kafka's images: Red Hat's ubi9-minimal with findutils and hostname (Confluent's), and
 * Alpine's busybox with bash (Apache's). Scripts in pods can use these and no others: no ps, nc, openssl, jq or python.
 */
export const smallBase = [
  ...[
    'bash',
    'sh',
    'basename',
    'cat',
    'chmod',
    'cksum',
    'cp',
    'cut',
    'date',
    'dd',
    'df',
    'dirname',
    'du',
    'echo',
    'env',
  ],
  ...[
    'expr',
    'false',
    'fold',
    'head',
    'id',
    'ln',
    'ls',
    'md5sum',
    'mkdir',
    'mkfifo',
    'mktemp',
    'mv',
    'nohup',
    'nproc',
    'od',
  ],
  ...['printenv', 'printf', 'pwd', 'readlink', 'realpath', 'rm', 'rmdir', 'seq', 'sha256sum', 'sleep', 'sort', 'stat'],
  ...[
    'stty',
    'sync',
    'tail',
    'tee',
    'test',
    'timeout',
    'touch',
    'tr',
    'true',
    'tty',
    'uname',
    'uniq',
    'wc',
    'whoami',
    'yes',
  ],
  ...['base64', 'comm', 'split', 'tac', 'nl', 'paste', 'join', 'install', 'truncate', 'shuf', 'who', 'egrep', 'fgrep'],
  ...['grep', 'sed', 'awk', 'find', 'xargs', 'hostname', 'gzip', 'getent', 'curl'],
] as const

/** Java as images have it: the folder of the runtime, and `java` and `keytool` on the PATH. */
export async function javaHome(): Promise<string> {
  const { stdout } = await promisify(execFile)('which', ['java'])
  return join(await realpath(stdout.trim()), '..', '..')
}

/**
 * Makes the folder of an image's programs and the files of its /etc.
 * @param programs of this machine's PATH, by name; @throws Error when one is not there.
 * @param scripts further files in /usr/bin, by name.
 * @returns read-only mounts: /usr/bin, /usr/lib, /usr/lib64, /etc.
 */
export async function base(
  folder: string,
  programs: readonly string[],
  options: { java?: boolean; scripts?: Readonly<Record<string, string>> } = {},
): Promise<Record<string, string>> {
  const bin = join(folder, 'bin')
  const etc = join(folder, 'etc')
  await mkdir(bin, { recursive: true })
  await mkdir(join(etc, 'ssl'), { recursive: true })
  await Promise.all(programs.map((program) => copyProgram(program, join(bin, program))))
  for (const [name, text] of Object.entries(options.scripts ?? {})) {
    await writeFile(join(bin, name), text)
    await chmod(join(bin, name), 0o755)
  }
  await writeFile(
    join(etc, 'passwd'),
    'root:x:0:0:root:/root:/bin/bash\nappuser:x:1000:1000::/home/appuser:/bin/bash\n',
  )
  await writeFile(join(etc, 'group'), 'root:x:0:\nappuser:x:1000:\n')
  await writeFile(join(etc, 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
  const mounts: Record<string, string> = {
    '/usr/bin': bin,
    '/usr/lib': '/usr/lib',
    ...(existsSync('/usr/lib64') ? { '/usr/lib64': '/usr/lib64' } : {}),
    '/etc/passwd': join(etc, 'passwd'),
    '/etc/group': join(etc, 'group'),
    '/etc/nsswitch.conf': join(etc, 'nsswitch.conf'),
    '/etc/ld.so.cache': '/etc/ld.so.cache',
  }
  if (options.java) {
    const home = await javaHome()
    if (!home.startsWith('/usr/lib/')) mounts[home] = home
    for (const program of ['java', 'keytool']) await symlink(join(home, 'bin', program), join(bin, program))
    // Debian keeps Java's own settings and its certificates there.
    const settings = await realpath(join(home, 'conf', 'security', 'java.security')).catch(() => '')
    const folderOfSettings = /^\/etc\/[^/]+/.exec(settings)?.[0]
    if (folderOfSettings) mounts[folderOfSettings] = folderOfSettings
    if (existsSync('/etc/ssl/certs/java')) mounts['/etc/ssl/certs/java'] = '/etc/ssl/certs/java'
  }
  return mounts
}

async function copyProgram(name: string, to: string): Promise<void> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter((one) => /^\/(usr\/)?s?bin$/.test(one))) {
    const from = join(folder, name)
    if (!existsSync(from)) continue
    await copyFile(await realpath(from), to)
    await chmod(to, 0o755)
    return
  }
  throw new Error(`${name} is not on this machine, but images that the chart uses have it: install it`)
}
