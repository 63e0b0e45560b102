import { createPrivateKey, createSign, createVerify, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressesOf } from './addresses.ts'
import { type Admin, writeCredentials } from './credentials.ts'

const folder = mkdtempSync(join(tmpdir(), 'credentials-'))
const addresses = addressesOf(0)
let admin: Admin
beforeAll(async () => {
  admin = await writeCredentials(folder, addresses, 2)
})
afterAll(() => rmSync(folder, { recursive: true }))

const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
const userOf = (file: string) => {
  const { users } = JSON.parse(read(file)) as { users: { user: Record<string, string> }[] }
  const decoded = (name: string) => Buffer.from(users[0]?.user[name] ?? '', 'base64').toString()
  return { certificate: new X509Certificate(decoded('client-certificate-data')), key: decoded('client-key-data') }
}

test('a node’s certificate names its user and group and is signed by the authority', () => {
  const authority = new X509Certificate(read('ca.crt'))
  const { certificate, key } = userOf(`${addresses.node(1).name}.conf`)
  expect(certificate.subject).toBe(`O=system:nodes\nCN=system:node:${addresses.node(1).name}`)
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(certificate.verify(authority.publicKey)).toBe(true)
  expect(certificate.checkIssued(authority)).toBe(true)
  expect([authority.ca, certificate.ca]).toEqual([true, false])
})

test('the API server’s certificate names every host and address it is reached by', () => {
  const { subjectAltName = '' } = new X509Certificate(read('apiserver.crt'))
  const names = subjectAltName.split(', ')
  expect(names).toContain('DNS:kubernetes.default.svc')
  for (const address of ['127.0.0.1', addresses.apiService, addresses.node(0).address])
    expect(names).toContain(`IP Address:${address}`)
})

test('certificates are valid now and for a week', () => {
  const { validFromDate, validToDate } = new X509Certificate(admin.certificate)
  expect(validFromDate.getTime()).toBeLessThan(Date.now())
  expect(validToDate.getTime() - Date.now()).toBeGreaterThan(6 * 24 * 60 * 60 * 1000)
})

test('the administrator and the API server trust each other', async () => {
  const server = createServer(
    { ca: admin.authority, key: read('apiserver.key'), cert: read('apiserver.crt'), requestCert: true },
    (incoming, answer) => {
      answer.end((incoming.socket as TLSSocket).getPeerCertificate().subject.CN)
    },
  ).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const tls = { ca: admin.authority, key: admin.key, cert: admin.certificate }
  const user = await new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port, ...tls, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    })
      .on('error', reject)
      .end()
  })
  server.close()
  expect(user).toBe('admin')
})

test('tokens that are signed with the private key are verified with the public one', () => {
  const signature = createSign('sha256').update('token').sign(read('tokens.key'))
  expect(createVerify('sha256').update('token').verify(read('tokens.pub'), signature)).toBe(true)
})
