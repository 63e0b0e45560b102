import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findKubeAccess, serviceAccountAccess } from './kube-access.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'access-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const aKubeconfig = (name: string, { server = 'https://10.0.0.1:6443/', token = 'secret', extra = {} } = {}) => {
  const path = join(folder, name)
  const config = {
    'current-context': 'one',
    clusters: [{ name: 'c', cluster: { server, ...extra } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'realms' } },
      { name: 'two', context: { cluster: 'c', user: 'u' } },
    ],
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

test('a kubeconfig names the server, the namespace and the credentials; a context overrides the current one', async () => {
  const kubeconfig = aKubeconfig('config')
  const one = await findKubeAccess({ KUBECONFIG: kubeconfig })
  expect(one).toMatchObject({ server: 'https://10.0.0.1:6443', namespace: 'realms' })
  expect(await one.headers(false)).toEqual({ authorization: 'Bearer secret' })
  expect((await findKubeAccess({}, { kubeconfig, context: 'two' })).namespace).toBe('default')
})

test('credentials are remembered, and read again when they were refused', async () => {
  const kubeconfig = aKubeconfig('rotating')
  const access = await findKubeAccess({}, { kubeconfig })
  await access.headers(false)
  aKubeconfig('rotating', { token: 'newer' })
  expect(await access.headers(false)).toEqual({ authorization: 'Bearer secret' })
  expect(await access.headers(true)).toEqual({ authorization: 'Bearer newer' })
})

test('credentials are not sent over plain HTTP', async () => {
  const access = await findKubeAccess({}, { kubeconfig: aKubeconfig('plain', { server: 'http://127.0.0.1:8001' }) })
  expect(await access.headers(true)).toEqual({})
})

test('a pod finds the server by its environment and its ServiceAccount, and follows the token when it is replaced', async () => {
  for (const [name, text] of Object.entries({ namespace: 'realms\n', 'ca.crt': 'PEM', token: 'first\n' }))
    writeFileSync(join(folder, name), text)
  const access = serviceAccountAccess({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, folder)
  expect(access).toMatchObject({ server: 'https://[fd00::1]:443', namespace: 'realms', tls: { ca: 'PEM' } })
  expect(await access.headers(false)).toEqual({ authorization: 'Bearer first' })
  writeFileSync(join(folder, 'token'), 'second\n')
  expect(await access.headers(true)).toEqual({ authorization: 'Bearer second' })
})

test('a kubeconfig that cannot be used is refused with one sentence', async () => {
  await expect(findKubeAccess({ HOME: folder })).rejects.toThrow('no Kubernetes cluster to talk to')
  await expect(findKubeAccess({}, { kubeconfig: join(folder, 'nowhere') })).rejects.toThrow(/kubeconfig .*nowhere is not usable/)
  await expect(findKubeAccess({}, { kubeconfig: aKubeconfig('some'), context: 'three' })).rejects.toThrow(
    "no context 'three'; it has: one, two",
  )
  await expect(
    findKubeAccess({}, { kubeconfig: aKubeconfig('proxied', { extra: { 'proxy-url': 'http://p' } }) }),
  ).rejects.toThrow('proxy-url')
})
