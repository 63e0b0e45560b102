import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../cells/chassis/errors.ts'
import { findProgram } from '../parts/command.ts'
import { PAUSE_IMAGE } from './node.ts'
import { writeImage, writeLayer } from './oci.ts'

/** The image that holds a pod's namespaces open: a program that does nothing, for ever. Returns the path of its archive. */
export async function pauseImage(folder: string): Promise<string> {
  const busybox = findProgram('busybox')
  if (!busybox) throw new UserError("busybox is missing: run 'npx node testing/parts/main.ts debian'")
  const root = join(folder, 'pause')
  await mkdir(root)
  await copyFile(busybox, join(root, 'busybox'))
  const layer = `${root}.layer.tar`
  await writeLayer(root, layer)
  const archive = `${root}.tar`
  await writeImage(archive, { name: PAUSE_IMAGE, layers: [layer], entrypoint: ['/busybox', 'sleep', 'inf'], user: '65535' })
  await Promise.all([rm(root, { recursive: true }), rm(layer)])
  return archive
}
