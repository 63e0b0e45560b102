import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { version } from '../../cells/version.ts'
import { realmResource } from '../../crds/resources.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { runCommand } from '../../testing/parts/command.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { executablePlatforms } from './executable.ts'
import { krewManifest } from './krew.ts'
import { packExecutables } from './pack.ts'

const TIMEOUT_MS = 300_000
const SOURCE = 'https://git.example.org/realms/realm-operator'

/** What krew checks of a manifest (its documentation, "Writing your custom plugin manifest"), as far as it concerns this one. */
function expectForKrew(text: string): void {
  const { apiVersion, kind, metadata, spec } = parse(text)
  expect([apiVersion, kind]).toEqual(['krew.googlecontainertools.github.com/v1alpha2', 'Plugin'])
  expect(metadata.name).toMatch(/^[\w-]+$/)
  expect(spec.version).toMatch(/^v\d+\.\d+\.\d+/)
  expect(spec.shortDescription).toMatch(/^[^\n]{1,50}$/)
  expect(spec.homepage).toMatch(/^https:\/\//)
  const selected = spec.platforms.map(({ selector }: { selector: object }) => JSON.stringify(selector))
  expect(new Set(selected).size).toBe(selected.length)
  for (const { selector, uri, sha256, bin, files } of spec.platforms) {
    expect(Object.keys(selector.matchLabels).sort()).toEqual(['arch', 'os'])
    expect(uri).toMatch(/^https:\/\/\S+\.(tar\.gz|zip)$/)
    expect(sha256).toMatch(/^[a-f0-9]{64}$/)
    expect(files.map(({ from }: { from: string }) => from)).toContain(bin)
    expect(bin).toBe(selector.matchLabels.os === 'windows' ? 'kubectl-realm.exe' : 'kubectl-realm')
    for (const { from, to } of files) expect([from, to]).not.toContainEqual(expect.stringContaining('..'))
  }
}

test('the manifest names every platform as krew wants it', () => {
  const archives = executablePlatforms.map(({ os, arch }) => ({ os, arch, uri: `${SOURCE}/a.tar.gz`, sha256: 'a'.repeat(64) }))
  const text = krewManifest({ version, source: SOURCE, archives })
  expectForKrew(text)
  expect(text).toContain('codesign --force --sign -')
  expect(krewManifest({ version, source: SOURCE, archives: archives.slice(0, 2) })).not.toContain('codesign')
})

withPart('kube', 'the executable of this machine', (part) => {
  const kube = useApiServer(part)
  const out = mkdtempSync(join(tmpdir(), 'executable-'))
  afterAll(() => rmSync(out, { recursive: true, force: true }))
  const program = join(out, 'kubectl-realm')
  const archive = `kubectl-realm-${version}-linux-amd64.tar.gz`
  // Nothing of the sources or of an installed Node.js is to be found.
  const envOf = () => ({ PATH: '/nowhere', HOME: out, KUBECONFIG: kube.api.kubeconfig })
  const run = (...args: string[]) => runCommand(program, [...args], { cwd: '/', env: envOf() })

  beforeAll(async () => {
    const [platform] = executablePlatforms
    await packExecutables({ out, source: SOURCE, platforms: platform ? [platform] : [], progress: () => {} })
    await runCommand('tar', ['-xzf', archive], { cwd: out })
  }, TIMEOUT_MS)

  test('is alone in an archive with its licence, which the manifest names by its checksum', () => {
    expect(readdirSync(out).sort()).toEqual(['LICENSE', 'NOTICE', archive, 'kubectl-realm', 'realm.yaml'].sort())
    const manifest = readFileSync(join(out, 'realm.yaml'), 'utf8')
    expectForKrew(manifest)
    expect(parse(manifest).spec.platforms).toMatchObject([
      {
        selector: { matchLabels: { os: 'linux', arch: 'amd64' } },
        uri: `${SOURCE}/releases/download/v${version}/${archive}`,
        sha256: createHash('sha256')
          .update(readFileSync(join(out, archive)))
          .digest('hex'),
      },
    ])
  })

  test('answers without anything beside it: its help, its version, and verbs against a cluster', {
    timeout: 60_000,
  }, async () => {
    // Node.js warns where it cannot use the compiled code that is inside.
    const { stdout: answer, stderr } = spawnSync(program, ['--version'], { cwd: '/', env: envOf(), encoding: 'utf8' })
    expect([answer, stderr]).toEqual([`${version}\n`, ''])
    const { stderr: warning } = spawnSync(program, ['--version'], {
      ...{ cwd: '/', encoding: 'utf8' },
      env: { ...envOf(), NODE_OPTIONS: '--jitless' },
    })
    expect(warning).toContain('Code cache data rejected')
    const help = await run('--help')
    expect(help).toMatch(/^ {2}forward /m)
    expect(help).not.toMatch(/^ {2}(up|join|load) /m)
    const metadata = { name: 'main', namespace: kube.namespace }
    const { apiVersion, kind } = realmResource
    const realm = { apiVersion, kind, metadata, spec: { livekit: { type: 'None' } } }
    await kube.user.create<KubeObject>(realmResource, realm)
    expect(await run('get', '-n', kube.namespace)).toMatch(/^NAME +MODE .*\nmain +City /)
    // Nothing is installed there, which it says and ends with 1 for.
    const { stdout } = spawnSync(program, ['version', '-o', 'json'], { cwd: '/', env: envOf(), encoding: 'utf8' })
    expect(JSON.parse(stdout)).toMatchObject({ client: version })
    // The CRDs and the objects of an installation are inside.
    expect(await run('install', '--image-repository', 'r.example/realm', '--dry-run')).toContain('realms.comms.decentraland.org')
  })
})
