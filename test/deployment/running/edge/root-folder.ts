// The root folder of a container, created for each one. It contains only the mount points.
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The root folder of a container: empty but for the places where its image, its volumes and the kernel's folders come. */
export async function makeRoot(root: string): Promise<void> {
  for (const path of ['usr', 'etc', 'proc', 'sys', 'dev', 'run', 'var', 'opt', 'tmp', 'home', 'root', 'mnt', 'srv']) {
    await mkdir(join(root, path), { recursive: true, mode: 0o755 })
  }
  for (const [link, target] of Object.entries({
    bin: 'usr/bin',
    sbin: 'usr/sbin',
    lib: 'usr/lib',
    lib64: 'usr/lib64',
    'var/run': '../run',
  })) {
    await symlink(target, join(root, link))
  }
  for (const file of ['resolv.conf', 'hostname']) await writeFile(join(root, 'etc', file), '')
  await writeFile(join(root, 'etc', 'hosts'), '127.0.0.1 localhost\n')
}
