// The base of every image here: this machine's libraries read-only, and of its programs only those that the image has.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const coreutils = words(`
  base64 basename cat chmod cksum comm cp cut date dd df dirname du echo env expr false fold head id install join ln ls md5sum mkdir
  mkfifo mktemp mv nl nohup nproc od paste printenv printf pwd readlink realpath rm rmdir seq sha256sum shuf sleep sort split stat
  stty sync tac tail tee test timeout touch tr true truncate tty uname uniq wc who whoami yes`)

/**
 * Confluent's images from 8.3 on: Red Hat's ubi9-micro, to which Confluent adds procps, findutils and hostname. No grep, sed, awk or curl
 * (the first two come along today as requirements of other packages; nothing promises them).
 * Source: base-java-micro/Dockerfile.ubi9 of confluentinc/common-docker.
 */
export const microBase = [...words('bash sh find xargs hostname kill pgrep pidof pkill ps top'), ...coreutils]

const textTools = words('grep egrep fgrep sed awk gzip getent')

/** Confluent's images up to 8.2: Red Hat's ubi-minimal, which has the text tools and curl. */
export const minimalBase = [...microBase, ...textTools, 'curl']

/** Apache's images: Alpine's busybox, and bash. No curl. */
export const alpineBase = [...microBase, ...textTools, 'cmp', 'diff']

/** Debian's slim base, of our own images: no procps, no curl. */
export const slimBase = [...words('bash sh find xargs hostname cmp diff tar perl'), ...coreutils, ...textTools]

/**
 * Java's folder: a newer one where the image has it and this machine, too, otherwise what `java` on the PATH is.
 * @param major of the image's Java: 25 in Confluent's images from 8.3 on.
 */
export async function javaHome(major?: number): Promise<string> {
  const newer =
    major && (await readdir('/usr/lib/jvm').catch(() => [])).find((name) => new RegExp(`-${major}-`).test(name))
  if (newer && existsSync(join('/usr/lib/jvm', newer, 'bin', 'java'))) return join('/usr/lib/jvm', newer)
  const { stdout } = await promisify(execFile)('which', ['java'])
  return join(await realpath(stdout.trim()), '..', '..')
}

/**
 * Makes the folder of an image's programs and the files of its /etc.
 * @param programs of this machine's PATH, by name; @throws Error when one is not there.
 * @param options.java folder of Java (`javaHome`): of its programs only those of a runtime are there, no jcmd and no javac.
 * @param options.scripts further files in /usr/bin, by name.
 * @returns read-only mounts: /usr/bin, /usr/lib, /usr/lib64, /etc.
 */
export async function base(
  folder: string,
  programs: readonly string[],
  options: { java?: string; scripts?: Readonly<Record<string, string>> } = {},
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
    const home = options.java
    if (!home.startsWith('/usr/lib/')) mounts[home] = home
    const runtime = join(folder, 'java-bin')
    await mkdir(runtime)
    for (const program of ['java', 'keytool']) {
      await copyFile(join(home, 'bin', program), join(runtime, program))
      await symlink(join(home, 'bin', program), join(bin, program))
    }
    mounts[join(home, 'bin')] = runtime
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
