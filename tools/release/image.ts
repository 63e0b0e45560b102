import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { withProduct } from '../../testing/cluster/image.ts'
import { runCommand } from '../../testing/parts/command.ts'

/** The architectures that a release is for: those of its base image that nodes have. */
export const platforms = ['linux/amd64', 'linux/arm64'] as const

/** How the image is put together. */
export interface ImageOptions {
  crane: string
  /** The image with Node.js, of all platforms. */
  base: string
  version: string
  /** The commit it is built from. */
  revision: string
  /** URL of the public repository. */
  source: string | undefined
  /** Where it is pushed, without a tag: a registry that is quick to reach. */
  repository: string
  /** Folder for the list of its packages. */
  out: string
  progress: (line: string) => void
}

const TIMEOUT_MS = 15 * 60_000

/**
 * Builds the image of all platforms and pushes it to a repository. What the Dockerfile adds is the same for each of them, so that no
 * platform is emulated: it is put on top of the base image of each.
 *
 * @returns its digest
 * @throws UserError when the base image cannot be read, or lacks a platform
 */
export async function pushImage(options: ImageOptions): Promise<string> {
  const { crane, base, version, revision, source, repository, out, progress } = options
  const run = (...args: string[]) => runCommand(crane, args, { timeoutMs: TIMEOUT_MS })
  // Before what takes minutes.
  for (const platform of platforms) {
    await run('digest', `--platform=${platform}`, base).catch((error: unknown) => {
      const why = messageOf(error).trimEnd().split('\n').at(-1)
      throw new UserError(`the base image ${base} for ${platform} cannot be read: name another one with --base. ${why}`)
    })
  }
  return withProduct(progress, async ({ layers, entrypoint, user, workdir, env, labels, modules }) => {
    await copyFile(join(modules, 'sbom.cdx.json'), join(out, 'sbom.cdx.json'))
    const own = {
      ...labels,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': revision,
      'org.opencontainers.image.base.name': base,
      ...(source !== undefined && { 'org.opencontainers.image.source': source }),
    }
    const settings = [
      ...[`--entrypoint=${entrypoint.join(',')}`, `--user=${user}`, `--workdir=${workdir}`],
      ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
      ...Object.entries(own).map(([name, value]) => `--label=${name}=${value}`),
    ]
    const tags: string[] = []
    for (const platform of platforms) {
      const tag = `${repository}:${version}-${platform.replace('linux/', '')}`
      progress(`building the image for ${platform}`)
      await run(
        'append',
        `--platform=${platform}`,
        `--base=${base}`,
        ...layers.map((path) => `--new_layer=${path}`),
        `--new_tag=${tag}`,
      )
      await run('mutate', tag, ...settings, `--tag=${tag}`)
      tags.push(tag)
    }
    const all = `${repository}:${version}`
    await run('index', 'append', ...tags.map((tag) => `--manifest=${tag}`), `--tag=${all}`)
    return (await run('digest', all)).trim()
  })
}
