import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { runCommand } from '../parts/command.ts'

/** The content of an image, and the command that it runs. */
export interface Image {
  /** As pods name it, with its tag. */
  name: string
  /** Uncompressed tar files, lowest first. */
  layers: readonly string[]
  entrypoint: readonly string[]
  user?: string
  workdir?: string
  env?: Readonly<Record<string, string>>
  labels?: Readonly<Record<string, string>>
}

const TAR_TIMEOUT_MS = 120_000

/** Writes a file or folder as a tar file; the same content gives the same bytes. */
export const writeLayer = (root: string, tar: string): Promise<string> =>
  runCommand('tar', ['--sort=name', '--mtime=@0', '--numeric-owner', '--owner=0', '--group=0', '-C', root, '-cf', tar, '.'], {
    timeoutMs: TAR_TIMEOUT_MS,
  })

/** Writes an image as an OCI archive (image-spec, "OCI Image Layout"), the way registries and runtimes exchange them. */
export async function writeImage(archive: string, image: Image): Promise<void> {
  const layout = await mkdtemp(`${archive}-`)
  try {
    const blobs = join(layout, 'blobs', 'sha256')
    await mkdir(blobs, { recursive: true })
    const layers = await Promise.all(image.layers.map((tar) => layerIn(blobs, tar)))
    const config = await jsonIn(
      blobs,
      'application/vnd.oci.image.config.v1+json',
      configOf(
        image,
        layers.map(({ digest }) => digest),
      ),
    )
    const manifest = await jsonIn(blobs, 'application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers,
    })
    await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const annotations = {
      'io.containerd.image.name': image.name,
      'org.opencontainers.image.ref.name': image.name.split(':').at(-1),
    }
    await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }))
    await runCommand('tar', ['-C', layout, '-cf', archive, 'oci-layout', 'index.json', 'blobs'], { timeoutMs: TAR_TIMEOUT_MS })
  } finally {
    await rm(layout, { recursive: true })
  }
}

/** The path and size of a blob. */
interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

async function layerIn(blobs: string, tar: string): Promise<Descriptor> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(tar), hash)
  const hex = hash.digest('hex')
  await link(tar, join(blobs, hex))
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${hex}`, size: (await stat(tar)).size }
}

async function jsonIn(blobs: string, mediaType: string, content: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(content))
  const hex = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(blobs, hex), bytes)
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
}

const configOf = ({ entrypoint, user, workdir, env, labels }: Image, layers: readonly string[]): object => ({
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  os: 'linux',
  config: {
    Entrypoint: entrypoint,
    ...(user === undefined ? {} : { User: user }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(labels === undefined ? {} : { Labels: labels }),
    Env: Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`),
  },
  rootfs: { type: 'layers', diff_ids: layers },
})
