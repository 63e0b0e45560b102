import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { Authority, newKeyPair } from './certificates.ts'

test('a certificate names its user and group, its hosts and its issuer', () => {
  const authority = new Authority({ name: 'cluster' }, new Date())
  const { certificate, key } = authority.issue({ name: 'system:node:n0', group: 'system:nodes' }, ['localhost', '10.200.0.10'])
  const read = new X509Certificate(certificate)
  expect(read.subject).toBe('O=system:nodes\nCN=system:node:n0')
  expect(read.subjectAltName).toBe('DNS:localhost, IP Address:10.200.0.10')
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(read.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
  expect(read.checkIssued(new X509Certificate(authority.certificate))).toBe(true)
  expect(new X509Certificate(authority.certificate).ca).toBe(true)
  expect(read.ca).toBe(false)
})

test('a certificate is good from yesterday for as many days as were asked', () => {
  const { certificate } = new Authority({ name: 'cluster' }, new Date('2050-06-01T12:00:00Z'), 3).issue({ name: 'x' })
  const read = new X509Certificate(certificate)
  expect(read.validFromDate).toEqual(new Date('2050-05-31T12:00:00Z'))
  expect(read.validToDate).toEqual(new Date('2050-06-04T12:00:00Z'))
})

test('a client and a server of one authority trust each other', async () => {
  const authority = new Authority({ name: 'cluster' }, new Date())
  const serving = authority.issue({ name: 'server' }, ['localhost', '127.0.0.1'])
  const client = authority.issue({ name: 'admin', group: 'system:masters' })
  const ca = authority.certificate
  const server = createServer({ ca, key: serving.key, cert: serving.certificate, requestCert: true }, (incoming, answer) => {
    answer.end((incoming.socket as TLSSocket).getPeerCertificate().subject.CN)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const who = await new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port, ca, key: client.key, cert: client.certificate, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    })
      .on('error', reject)
      .end()
  })
  server.close()
  expect(who).toBe('admin')
})

test('a key pair is one that tokens can be signed with', () => {
  const { privateKey, publicKey } = newKeyPair()
  expect(privateKey).toMatch(/^-----BEGIN EC PRIVATE KEY-----/)
  expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/)
})
