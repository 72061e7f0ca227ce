#!/bin/sh
# Makes the certificates of this folder. They are for tests: nothing trusts ca.pem, and the keys are public.
set -eu
cd "$(dirname "$0")"
rm -f -- *.pem
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkdir "$work/new" && : >"$work/index.txt" && echo 01 >"$work/serial"
printf '%s\n' '[ca]' 'default_ca = it' '[it]' "dir = $work" "database = $work/index.txt" "serial = $work/serial" \
  "new_certs_dir = $work/new" 'default_md = sha256' 'policy = any' 'copy_extensions = copy' 'unique_subject = no' \
  '[any]' 'commonName = supplied' >"$work/ca.cnf"
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
key "$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -days 36500 -subj '/CN=wsgi-edge test CA' -out ca.pem
key key.pem
openssl req -x509 -new -key key.pem -days 36500 -subj /CN=localhost -addext subjectAltName=DNS:localhost -out self-signed.pem
signed() {
  openssl req -new -key key.pem -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -out "$work/csr"
  openssl ca -batch -notext -config "$work/ca.cnf" -keyfile "$work/ca.key" -cert ca.pem -in "$work/csr" \
    -startdate 20200101000000Z -enddate "$3" -out "$1.pem" 2>/dev/null
}
signed trusted localhost 21200101000000Z
signed expired localhost 20210101000000Z
signed wrong-host other.example 21200101000000Z
