module matrix_devices_host

go 1.19
