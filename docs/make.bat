@echo off
rem make html: the manual, in build\html; a warning is an error

pushd %~dp0
if "%SPHINXBUILD%" == "" set SPHINXBUILD=sphinx-build
if "%SPHINXOPTS%" == "" set SPHINXOPTS=-W -E
if "%1" == "" (set BUILDER=help) else (set BUILDER=%1)

%SPHINXBUILD% -M %BUILDER% source build %SPHINXOPTS%
popd
