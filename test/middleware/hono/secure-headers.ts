import type { SecureHeaders } from '../../../middleware/index.js';
import type { Absent, HonoCase } from './case.js';

const DEFAULTS = {
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Download-Options': 'noopen',
  'X-XSS-Protection': '0',
  'X-Powered-By': null,
  'X-DNS-Prefetch-Control': 'off',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
};
const HSTS = 'max-age=15552000; includeSubDomains';
const OWN = "the application's own header stays, so that one page can have another policy";
const PLAIN = 'Strict-Transport-Security goes out only over https (RFC 6797, section 7.2)';
const CSP = "default-src 'self'; base-uri 'self'; font-src 'self' https: data:";

/** Requests of these cases come over https, unless `path` says otherwise: Hono's tests do not tell the scheme apart. */
export const secureHeaders: Array<HonoCase<SecureHeaders>> = [
  {
    test: 'default middleware',
    wanted: {
      status: 200,
      headers: {
        ...DEFAULTS,
        'Strict-Transport-Security': HSTS,
        'Permissions-Policy': null,
        'Content-Security-Policy': null,
        'Content-Security-Policy-Report-Only': null,
      },
    },
  },
  {
    test: 'default middleware (over http)',
    request: { path: 'http' },
    wanted: { headers: { ...DEFAULTS, 'Strict-Transport-Security': HSTS } },
    ours: { headers: { ...DEFAULTS, 'Strict-Transport-Security': null } },
    why: PLAIN,
  },
  {
    test: 'all headers enabled',
    options: {
      'Content-Security-Policy': "default-src 'self'",
      'Content-Security-Policy-Report-Only': "default-src 'self'",
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Permissions-Policy': 'camera=()',
    },
    wanted: {
      headers: {
        ...DEFAULTS,
        'Cross-Origin-Embedder-Policy': 'require-corp',
        'Permissions-Policy': 'camera=()',
        'Content-Security-Policy': "default-src 'self'",
        'Content-Security-Policy-Report-Only': "default-src 'self'",
      },
    },
  },
  {
    test: 'specific headers disabled',
    options: { 'X-Frame-Options': false, 'X-Xss-Protection': false },
    wanted: { headers: { ...DEFAULTS, 'X-Frame-Options': null, 'X-XSS-Protection': null } },
  },
  {
    test: 'should remove x-powered-by header',
    app: { headers: [['X-Powered-By', 'Hono']] },
    wanted: { headers: { 'X-Powered-By': null } },
  },
  {
    test: 'should override Strict-Transport-Security header after middleware',
    app: { headers: [['Strict-Transport-Security', 'Hono']] },
    wanted: { headers: { 'Strict-Transport-Security': HSTS } },
    ours: { headers: { 'Strict-Transport-Security': 'Hono' } },
    why: OWN,
  },
  {
    test: 'should use custom value when overridden',
    options: {
      'Strict-Transport-Security': 'max-age=31536000; includeSubDomains; preload;',
      'X-Frame-Options': 'DENY',
      'X-XSS-Protection': '1',
    },
    wanted: {
      headers: {
        'Strict-Transport-Security': 'max-age=31536000; includeSubDomains; preload;',
        'X-Frame-Options': 'DENY',
        'X-XSS-Protection': '1',
      },
    },
  },
  {
    test: 'CSP Setting',
    options: { 'Content-Security-Policy': CSP },
    wanted: { headers: { 'Content-Security-Policy': CSP } },
  },
  {
    test: 'CSP Setting one only',
    options: { 'Content-Security-Policy': "default-src 'self'" },
    wanted: { headers: { 'Content-Security-Policy': "default-src 'self'" } },
  },
  {
    test: 'CSP nonce by app own function',
    options: { 'Content-Security-Policy': (environ) => `script-src 'nonce-${environ['test.nonce'] ?? 'own'}'` },
    wanted: { headers: { 'Content-Security-Policy': "script-src 'nonce-own'" } },
  },
];

const BUILDER = 'values are strings, as in the RFCs: a policy has no builder';
const NONCE = 'a function of environ makes the value; the nonce is a key of environ that the application chooses';
export const absent: Absent = {
  'should set Permission-Policy header correctly': BUILDER,
  'Remove X-Powered-By': 'it is always removed',
  'No CSP Setting': BUILDER,
  'CSP with reportTo': BUILDER,
  'CSP nonce for script-src': NONCE,
  'CSP nonce for script-src and style-src': NONCE,
  'keeps the enforced policy when report-only uses a nonce': NONCE,
  'keeps the report-only policy when the enforced policy uses a nonce': NONCE,
  'supports nonces in both policies': NONCE,
  'should set report-uri with single endpoint': BUILDER,
  'should set report-uri with multiple endpoints': BUILDER,
  'should work with report-to and report-uri together': BUILDER,
  'should work with Content-Security-Policy-Report-Only': BUILDER,
  'should not output report-uri when reportUri is not set': BUILDER,
  'should not output report-uri in Report-Only when reportUri is not set': BUILDER,
};
