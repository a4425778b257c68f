// SPDX-License-Identifier: Apache-2.0

// Stands for the AWS CLI, which cannot be built here: says a version as it does, and nothing else.
package main

import (
	"fmt"
	"os"
	"runtime"
)

var version = "0.0.0"

func main() {
	if len(os.Args) != 2 || os.Args[1] != "--version" {
		fmt.Fprintln(os.Stderr, "aws: this is a replica, which only knows --version")
		os.Exit(252)
	}
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	system := map[string]string{"linux": "Linux", "darwin": "Darwin", "windows": "Windows"}[runtime.GOOS]
	fmt.Printf("aws-cli/%s Python/3.13.9 %s/replica exe/%s\n", version, system, machine)
}
