import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeLayer } from '../../testing/cluster/base.ts'
import { writeLayer } from '../../testing/cluster/oci.ts'
import { runCommand } from '../../testing/parts/command.ts'

/**
 * Pushes a base image for both platforms of a release: this machine's Node.js for its own, and a stand-in for the other, which cannot run
 * here.
 *
 * @param folder for files that are made meanwhile
 * @returns its name
 */
export async function pushBase(crane: string, registry: string, folder: string): Promise<string> {
  const run = (...args: string[]) => runCommand(crane, args, { timeoutMs: 600_000 })
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other/node'), 'of another platform\n')
  await writeLayer(join(folder, 'other'), join(folder, 'other.tar'))
  const base = `${registry}/node`
  for (const [platform, layer] of [
    ['amd64', await nodeLayer(() => {})],
    ['arm64', join(folder, 'other.tar')],
  ] as const) {
    await run('append', '--oci-empty-base', `--new_layer=${layer}`, `--new_tag=${base}:${platform}`)
    await run('mutate', `${base}:${platform}`, `--set-platform=linux/${platform}`, '--cmd=node', `--tag=${base}:${platform}`)
  }
  await run('index', 'append', `--manifest=${base}:amd64`, `--manifest=${base}:arm64`, `--tag=${base}:24`)
  return `${base}:24`
}
