import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { version } from '../../cells/version.ts'
import { realmResource } from '../../crds/resources.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { runCommand } from '../../testing/parts/command.ts'
import { arm64Command } from '../../testing/parts/qemu.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { bundleScript } from './bundle.ts'
import { executablePlatforms, writeExecutable } from './executable.ts'

const TIMEOUT_MS = 300_000

withPart('kube', 'the executable for arm64', (part) => {
  withPart('qemu', 'in an emulator', (qemu) => {
    const kube = useApiServer(part)
    const folder = mkdtempSync(join(tmpdir(), 'arm64-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    const [emulator, ...options] = arm64Command(qemu)
    const run = (...args: string[]) =>
      runCommand(emulator, [...options, join(folder, 'kubectl-realm'), ...args], {
        cwd: folder,
        env: { PATH: '/nowhere', HOME: folder, KUBECONFIG: kube.api.kubeconfig },
        timeoutMs: TIMEOUT_MS,
      })

    beforeAll(async () => {
      const platform = executablePlatforms.find(({ os, arch }) => os === 'linux' && arch === 'arm64')
      if (!platform) throw new Error('there is no platform with Linux on arm64')
      expect(await writeExecutable(platform, await bundleScript(), join(folder, 'kubectl-realm'))).toBeUndefined()
    }, TIMEOUT_MS)

    test('judges a manifest, and lists the realms of a cluster', { timeout: TIMEOUT_MS }, async () => {
      expect(await run('--version')).toBe(`${version}\n`)
      const { apiVersion, kind } = realmResource
      const realm = {
        apiVersion,
        kind,
        metadata: { name: 'main', namespace: kube.namespace },
        spec: { livekit: { type: 'None' } },
      }
      writeFileSync(join(folder, 'realm.json'), JSON.stringify({ ...realm, spec: { livekit: { type: 'Nothing' } } }))
      await expect(run('validate', '-f', 'realm.json')).rejects.toThrow('spec.livekit.type')
      await kube.user.create<KubeObject>(realmResource, realm)
      expect(await run('get', '-n', kube.namespace)).toMatch(/^NAME +MODE .*\nmain +City /)
    })
  })
})
