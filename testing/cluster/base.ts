import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cached } from '../parts/cache.ts'
import { runCommand } from '../parts/command.ts'
import type { Progress } from '../parts/part.ts'
import { writeLayer } from './oci.ts'

/** Writes a layer with a program and its libraries at the paths where it loads them. Returns the layer's path. */
export const programLayer = (name: string, key: string, program: string, target: string, progress: Progress): Promise<string> =>
  cached({
    key: `image-${name}-${key}`,
    announcement: `packing ${name} into a layer, a few seconds`,
    blocker: () => undefined,
    fill: async (folder) => {
      const root = join(folder, 'root')
      put(program, join(root, target))
      for (const library of await librariesOf(program)) put(realpathSync(library), join(root, library))
      put('/etc/ssl/certs/ca-certificates.crt', join(root, '/etc/ssl/certs/ca-certificates.crt'))
      writeFileSync(
        join(root, 'etc/passwd'),
        'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n',
      )
      writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n')
      for (const directory of ['tmp', 'run', 'proc', 'sys', 'dev']) mkdirSync(join(root, directory))
      await writeLayer(root, join(folder, 'layer.tar'))
      await rm(root, { recursive: true })
    },
    path: (folder) => join(folder, 'layer.tar'),
  }).make(progress)

/** The layer that replaces the base image: the Node.js of this process. */
export const nodeLayer = (progress: Progress): Promise<string> =>
  programLayer('node', `${process.version}-${process.arch}`, process.execPath, '/usr/local/bin/node', progress)

function put(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

/** The shared libraries a program is linked with, and the loader; none for a static one. */
async function librariesOf(program: string): Promise<string[]> {
  const listing = await runCommand('ldd', [program]).catch((error: Error) => {
    if (error.message.includes('not a dynamic executable')) return ''
    throw error
  })
  return [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path ?? '')
}
