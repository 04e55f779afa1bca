module libcreche/creche

go 1.22
