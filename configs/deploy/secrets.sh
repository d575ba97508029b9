#!/bin/sh
# Make the secrets that compose.yaml hands to its containers. What is there already keeps its value.
#   configs/deploy/secrets.sh CAMERAS.csv [FOLDER]
set -eu
cameras=${1:?usage: secrets.sh CAMERAS.csv [FOLDER]}
folder=${2:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# The folder keeps others out. The files are readable because containers see them under their own user.
chmod 700 "$folder"
for name in PGPASSWORD AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY GRAFANA_PASSWORD; do
  [ -s "$folder/$name" ] || od -An -N20 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$name"
done
cp -f "$cameras" "$folder/cameras.csv"
chmod 444 "$folder"/*
