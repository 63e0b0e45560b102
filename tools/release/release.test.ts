import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { version } from '../../cells/version.ts'
import { renderedObjects } from '../../testing/chart.ts'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { findProgram, runCommand } from '../../testing/parts/command.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { startRegistry } from './registry.ts'
import { pushBase } from './rehearsal.ts'
import { release } from './release.ts'

const TIMEOUT_MS = 600_000
const SOURCE = 'https://git.example.org/realms/realm-operator'

withPart('crane', 'a release', (crane) => {
  const run = (program: string, ...args: string[]) => runCommand(program, args, { timeoutMs: TIMEOUT_MS })

  test(
    'is an image for both platforms, a chart, a manifest, an npm package and their checksums, pushed and signed',
    async () => {
      const { kube } = inject('parts')
      if (!('path' in kube)) throw new Error(`the part 'kube' is missing: ${kube.missing}`)
      const folder = freshFolder()
      const out = join(folder, 'out')
      const registry = await startRegistry(crane, join(folder, 'registry'))
      try {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const at = `${registry.address}/realms`
        const { digest } = await release({
          ...{
            crane,
            helm: join(kube.path, 'helm'),
            npm: findProgram('npm') ?? 'npm',
            version,
            revision: 'c0ffee',
            registry: at,
          },
          ...{ source: SOURCE, base: await pushBase(crane, registry.address, folder), out, push: true, section: 'Unreleased' },
          // One is made and run in a test of its own.
          executables: [],
          key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
          progress: () => {},
        })
        const name = `${at}/realm-operator`

        const index = JSON.parse(await run(crane, 'manifest', `${name}@${digest}`))
        const platforms = index.manifests.map(({ platform }: { platform: object }) => platform)
        expect(platforms).toMatchObject([{ architecture: 'amd64' }, { architecture: 'arm64' }])
        const configs = await Promise.all(
          ['amd64', 'arm64'].map(async (each) =>
            JSON.parse(await run(crane, 'config', `--platform=linux/${each}`, `${name}:${version}`)),
          ),
        )
        for (const { config } of configs) {
          expect(config).toMatchObject({
            User: '65532:65532',
            WorkingDir: '/app',
            Entrypoint: ['node', expect.anything(), '/app/dist/cells/main.js'],
          })
          expect(config.Cmd ?? []).toEqual([])
          expect(config.Env).toContain('NODE_ENV=production')
          expect(config.Labels).toMatchObject({
            'org.opencontainers.image.revision': 'c0ffee',
            'org.opencontainers.image.source': SOURCE,
          })
        }
        // All but the layer of the base image is the same.
        const [first, second] = configs.map(({ rootfs }) => rootfs.diff_ids.slice(1))
        expect(first).toEqual(second)

        await run(
          join(kube.path, 'helm'),
          'pull',
          `oci://${at}/charts/realm-operator`,
          '--version',
          version,
          '--plain-http',
          '-d',
          folder,
        )
        expect(readFileSync(join(folder, `realm-operator-${version}.tgz`))).toEqual(
          readFileSync(join(out, `realm-operator-${version}.tgz`)),
        )
        const chart = parse(await run('tar', '-xzOf', join(out, `realm-operator-${version}.tgz`), 'realm-operator/Chart.yaml'))
        expect(chart).toMatchObject({ home: SOURCE, version, icon: `${SOURCE}/raw/v${version}/helm/icon.svg` })
        expect(parse(chart.annotations['artifacthub.io/images'])[0]).toMatchObject({ image: `${name}:${version}@${digest}` })
        expect(parse(chart.annotations['artifacthub.io/changes'])[0]).toMatchObject({
          kind: 'added',
          description: expect.stringMatching(/\S/),
        })

        const manifest = renderedObjects(readFileSync(join(out, 'install.yaml'), 'utf8'))
        expect(manifest[0]).toMatchObject({ kind: 'Namespace' })
        expect(JSON.stringify(manifest)).toContain(`${name}:${version}@${digest}`)
        expect(
          JSON.parse(await run('tar', '-xzOf', join(out, `realm-operator-npm-${version}.tgz`), 'package/package.json')),
        ).toMatchObject({ homepage: SOURCE })
        expect(JSON.parse(readFileSync(join(out, 'sbom.cdx.json'), 'utf8'))).toMatchObject({ bomFormat: 'CycloneDX' })

        const layout = JSON.parse(await run('tar', '-xOf', join(out, `realm-operator-image-${version}.tar`), './index.json'))
        expect(layout.manifests).toMatchObject([{ digest }])
        await runCommand('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out })
        const signature = join(folder, 'signature')
        writeFileSync(signature, Buffer.from(readFileSync(join(out, 'SHA256SUMS.sig'), 'utf8'), 'base64'))
        const verify = ['dgst', '-sha256', '-verify', join(out, 'release.pub'), '-signature', signature]
        expect(await run('openssl', ...verify, join(out, 'SHA256SUMS'))).toContain('Verified OK')
        await expect(run('openssl', ...verify, join(out, 'CHANGES.md'))).rejects.toThrow('erification failure')
      } finally {
        await registry.stop()
      }
    },
    TIMEOUT_MS,
  )
})
