import { expect, test } from 'vitest'
import { readCatalystList } from './catalyst-list.ts'

const entry = (baseUrl: unknown) => ({ id: '0x01', baseUrl, owner: `0x${'0'.repeat(40)}` })
const read = (...urls: unknown[]) => readCatalystList(urls.map(entry), ({ protocol }) => protocol === 'https:')

test('the catalysts of a list are read in its order, each once, without a slash at the end', () => {
  expect(read('https://b.example/', 'https://A.example', 'https://b.example', 'https://a.example:8443/path//')).toEqual([
    'https://b.example',
    'https://a.example',
    'https://a.example:8443/path',
  ])
})

test('entries without a URL that may be used are left out', () => {
  const wrong = [
    ...['http://a.example', 'https://', 'https://me:pw@a.example', 'https://a.example?x', 'https://a.example#x', 'a.example'],
    ...['https://a b.example', `https://a.example/${'x'.repeat(300)}`, 'file:///etc/passwd', 7, null, {}, ['https://c.example']],
  ]
  expect(read(...wrong, 'https://good.example')).toEqual(['https://good.example'])
  expect(readCatalystList([null, 'https://x.example', 3, [], {}, entry('https://good.example')], () => true)).toEqual([
    'https://good.example',
  ])
})

test('what is no list, or names none that may be used, is not one', () => {
  for (const body of [undefined, null, 'x', 1, {}, { servers: [entry('https://a.example')] }, [], [entry('http://a.example')]])
    expect(readCatalystList(body, ({ protocol }) => protocol === 'https:')).toBeUndefined()
})

test('a list of any length is read as far as 64 catalysts', () => {
  expect(read(...Array.from({ length: 10_000 }, (_, n) => `https://${n}.example`))).toHaveLength(64)
})
